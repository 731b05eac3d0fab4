"""The stored configuration of a run with the words of a later command line applied to it."""

from __future__ import annotations

__all__ = ["with_changes"]

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from lvm_experiments.configuration.change import Changes
from lvm_experiments.configuration.composition import choose, is_choice, resolve_within
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.overrides import parse_override
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError

_MAY_BE_CHOSEN = ("logger",)


def with_changes(stored: Mapping[str, Any], words: Sequence[str], tree: ConfigTree, folder: Path) -> dict[str, Any]:
    """What a run is asked to be when it goes on. Whether it may be that is for others to say.

    Arguments:
        stored: Plain containers; nothing in them is resolved or built.
        words: Overrides; of the groups only the logger can be chosen anew.
        tree: Knows the options.
        folder: The run's folder, for a logger's file that refers to it.

    Raises:
        RequestError: For a word that cannot be applied.

    Example:
        >>> stored = {"trainer": {"max_epochs": 2}}
        >>> with_changes(stored, ["trainer.max_epochs=4"], ConfigTree.default(), Path("run"))
        {'trainer': {'max_epochs': 4}}
    """
    # Values as they are: a stored string with a dollar sign must not become an interpolation.
    before = copy.deepcopy(dict(stored))
    _refuse_interpolations(before, "")
    config = OmegaConf.create(before)
    OmegaConf.set_struct(config, True)
    parsed = [parse_override(word) for word in words]
    choices = [override for override in parsed if is_choice(override, tree)]
    for override in choices:
        if override.key_or_group not in _MAY_BE_CHOSEN:
            raise RequestError(
                f"a resumed run keeps its {override.key_or_group}",
                where=str(override.input_line),
                hint="only trainer.max_*, paths and logger may change",
            )
    if choices:
        composed = choose(choices, "config", tree)
        for group in _MAY_BE_CHOSEN:
            OmegaConf.update(config, group, composed[group], merge=False, force_add=True)
        composed.hydra.runtime.output_dir = str(folder)
        resolve_within(config, composed)
    changes = Changes(config, tree.groups)
    for override in parsed:
        if override not in choices:
            changes.apply(override)
    changes.check_added()
    result = to_plain(config, resolve=True)
    _move_data(before, result)
    return result


def _move_data(before: Mapping[str, Any], after: dict[str, Any]) -> None:
    """`data.path` was resolved from `paths.data_dir`, and follows it."""
    old, new = (config.get("paths") or {} for config in (before, after))
    data = after.get("data")
    if isinstance(data, dict) and "path" in data and data["path"] == old.get("data_dir"):
        data["path"] = new.get("data_dir")


def _refuse_interpolations(node: Any, where: str) -> None:
    if isinstance(node, str) and "${" in node:
        raise RequestError(f"{node!r} is not resolved", where=where)
    if isinstance(node, Mapping | list):
        for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
            _refuse_interpolations(value, f"{where}.{key}".lstrip("."))
