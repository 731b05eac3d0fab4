"""Sets single values of a composed configuration, each to be refused by itself."""

from __future__ import annotations

__all__ = ["Changes"]

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lvm_experiments.configuration.keys import (
    ABSENT,
    lookup,
    split_key,
    to_plain,
    unknown_group,
    unknown_key,
)
from lvm_experiments.configuration.signature import signature
from lvm_experiments.errors import RequestError, nearest

_SPECIAL = {"_target_", "_partial_", "_convert_", "_recursive_"}


class Changes:
    """Value overrides applied to one configuration.

    Without a plus a key has to be there already. With a plus it may also be a new argument that
    its target takes, or make an object of its own; a plus makes no misspelt key right.

    Arguments:
        config: The configuration, changed in place.
        groups: Names of groups, for the answers to what looks like one.
    """

    def __init__(self, config: DictConfig, groups: Sequence[str] = ()) -> None:
        self.config, self.groups = config, groups
        self._added: list[tuple[str, dict[str, Any]]] = []

    def apply(self, override: Override) -> None:
        """Sets, adds or deletes one value.

        Raises:
            RequestError: Where the key is not there or cannot hold the value.
        """
        key, value, line = override.key_or_group, override.value(), str(override.input_line)
        if "/" in key or override.package is not None:
            raise unknown_group(key, self.groups)
        plain = self._plain()
        old = lookup(plain, split_key(key))
        adds = override.is_add() or override.is_force_add()
        if old is ABSENT and not adds and not self._behind_interpolation(plain, key):
            raise unknown_key(key, plain, self.groups)
        if old is ABSENT and adds:
            self._added.append((key, plain))
        if isinstance(old, Mapping) and not override.is_delete():
            self._refuse_replacing(key, value)
        if override.is_delete() and (old is None or value not in (None, old)):
            # Hydra, which reads the line again, would not take it either, and say so in three lines.
            raise RequestError(f"it is {'null' if old is None else old}", where=line, hint=_instead(key, old))
        if override.is_add() and old not in (ABSENT, None) and not isinstance(value, dict | list):
            raise RequestError("the key is there already", where=line, hint=f"drop the plus: {line[1:]}")
        try:
            if override.is_delete():
                self._delete(key)
            else:
                OmegaConf.update(self.config, key, value, merge=True, force_add=adds)
        except OmegaConfBaseException as error:
            inner = f"{key}.{error.key}" if isinstance(value, dict) and error.key is not None else key
            if isinstance(value, dict) and lookup(plain, split_key(inner)) is ABSENT:
                raise unknown_key(inner, plain, self.groups) from error
            raise RequestError(str(error.msg or error).split("\n")[0], where=key) from error

    def check_added(self) -> None:
        """Refuses added keys that nothing takes; to be called when all changes are in.

        Raises:
            RequestError: With the nearest key that would be taken.
        """
        final = self._plain()
        for key, before in self._added:
            parts = split_key(key)
            for depth in range(len(parts), -1, -1):
                node = lookup(final, parts[:depth])
                if isinstance(node, Mapping) and isinstance(node.get("_target_"), str):
                    if depth < len(parts) and parts[depth] not in _SPECIAL:
                        _refuse_unless_taken(key, parts[: depth + 1], node["_target_"])
                    break
            else:
                raise unknown_key(key, before, self.groups)

    def _plain(self) -> dict[str, Any]:
        return to_plain(self.config, resolve=False)

    def _behind_interpolation(self, plain: Mapping[str, Any], key: str) -> bool:
        parts = split_key(key)
        above = (lookup(plain, parts[:depth]) for depth in range(1, len(parts)))
        return any(isinstance(node, str) and "${" in node for node in above)

    def _refuse_replacing(self, key: str, value: object) -> None:
        if value is None or isinstance(value, dict) or (isinstance(value, str) and "${" in value):
            return
        group = key.replace(".", "/")
        hint = f"set a key below it, {key}.KEY="
        if group in self.groups:
            hint = f"choose an option with {group}={value}"
        raise RequestError("holds several values", where=key, hint=hint)

    def _delete(self, key: str) -> None:
        above, _, last = key.rpartition(".")
        with open_dict(self.config):
            del (OmegaConf.select(self.config, above) if above else self.config)[last]


def _instead(key: str, old: object) -> str:
    return f"give it a value with {key}=VALUE" if old is None else f"write ~{key} to take it away"


def _refuse_unless_taken(key: str, path: Sequence[str], target: str) -> None:
    *above, name = path
    known = signature(target)
    if known is None or known.open or name in known.parameters:
        return
    meant = nearest(name, known.parameters)
    hint = f"{target.rpartition('.')[2]} takes {', '.join(known.parameters)}"
    if meant:
        hint = f"did you mean {'.'.join([*above, meant])}?"
    raise RequestError("no such key", where=key, hint=hint)
