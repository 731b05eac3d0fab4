"""Paths into a configuration, and which one a person meant."""

from __future__ import annotations

__all__ = [
    "ABSENT",
    "choose_first",
    "lookup",
    "paths",
    "split_key",
    "to_plain",
    "unknown_group",
    "unknown_key",
]

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from lvm_experiments.errors import RequestError, nearest

ABSENT = object()


def to_plain(config: DictConfig, *, resolve: bool) -> dict[str, Any]:
    """A configuration as plain containers, its interpolations resolved or left as written."""
    return cast("dict[str, Any]", OmegaConf.to_container(config, resolve=resolve))


def split_key(key: str) -> list[str]:
    """The parts of a dotted key; an index in brackets is a part of its own.

    Example:
        >>> split_key("trainer.devices[0]")
        ['trainer', 'devices', '0']
    """
    return [part for part in re.split(r"[.\[\]]+", key) if part]


def lookup(plain: Any, parts: Sequence[str]) -> Any:
    """What stands at a path in plain containers, or `ABSENT`."""
    for part in parts:
        if isinstance(plain, Mapping) and part in plain:
            plain = plain[part]
        elif isinstance(plain, list) and part.lstrip("-").isdecimal() and -len(plain) <= int(part) < len(plain):
            plain = plain[int(part)]
        else:
            return ABSENT
    return plain


def paths(plain: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every dotted path of a configuration, nodes included, shallow ones first within a node.

    Example:
        >>> list(paths({"model": {"_target_": "x.Y", "latent_dim": 2}, "seed": 0}))
        ['model', 'seed', 'model.latent_dim']
    """
    inner = []
    for key, value in plain.items():
        if isinstance(key, str) and not key.startswith("_") and (prefix or key != "hydra"):
            yield prefix + key
            inner.append((key, value))
    for key, value in inner:
        if isinstance(value, Mapping):
            yield from paths(value, f"{prefix}{key}.")


def unknown_key(key: str, plain: Mapping[str, Any], groups: Sequence[str] = ()) -> RequestError:
    """The answer to a key that is not there: the nearest one, or where else its name is."""
    parts = split_key(key)
    depth = next(n for n in range(1, len(parts) + 1) if lookup(plain, parts[:n]) is ABSENT)
    above, wrong = parts[: depth - 1], parts[depth - 1]
    node = lookup(plain, above)
    if above and not isinstance(node, Mapping):
        return _below_a_value(key, ".".join(above), node, groups)
    siblings = [
        name for name in node if isinstance(name, str) and not name.startswith("_") and (above or name != "hydra")
    ]
    where_else = sorted((p for p in paths(plain) if p.split(".")[-1] == parts[-1]), key=lambda p: p.count("."))
    as_group = [f"{group}=" for group in groups if group.split("/")[-1] == parts[-1]]
    near = nearest(wrong, siblings)
    far = nearest(parts[-1], {p.split(".")[-1] for p in paths(plain)})
    if as_group and len(parts) == 1:
        meant = " or ".join(as_group[:3])
    elif where_else:
        meant = " or ".join(where_else[:3])
    elif near:
        meant = ".".join(_nearest_path(plain, parts))
    elif far and not above:  # below a node that is there, its own keys tell more
        meant = min((p for p in paths(plain) if p.split(".")[-1] == far), key=lambda p: p.count("."))
    else:
        return RequestError("no such key", where=key, hint=f"valid here: {', '.join(siblings) or 'none'}")
    return RequestError("no such key", where=key, hint=f"did you mean {meant}?")


def _nearest_path(plain: Any, parts: Sequence[str]) -> list[str]:
    """The path as far as each of its parts is there or has a near one."""
    if not parts or not isinstance(plain, Mapping):
        return []
    found = parts[0] if parts[0] in plain else nearest(parts[0], [k for k in plain if isinstance(k, str)])
    return [] if found is None else [found, *_nearest_path(plain[found], parts[1:])]


def unknown_group(group: str, groups: Sequence[str]) -> RequestError:
    """The answer to a group that is not there."""
    last = group.split("/")[-1]
    same_name = [name for name in groups if name.split("/")[-1] == last]
    meant = same_name[0] if same_name else nearest(group, groups)
    return RequestError(
        "no such group",
        where=group,
        hint=f"did you mean {meant}?" if meant else f"groups: {', '.join(groups)}",
    )


def choose_first(key: str, group: str) -> RequestError:
    """The answer to a key below a group that is set to nothing."""
    return RequestError("no such key", where=key, hint=f"{group} is empty; choose one with {group}=NAME first")


def _below_a_value(key: str, above: str, node: Any, groups: Sequence[str]) -> RequestError:
    group = above.replace(".", "/")
    if node is None and group in groups:
        return choose_first(key, group)
    return RequestError("no such key", where=key, hint=f"{above} is {node!r}, which has no keys")
