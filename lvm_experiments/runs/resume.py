"""What may change when a run is resumed."""

from __future__ import annotations

__all__ = ["resume_config"]

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from lvm_experiments.errors import RequestError

_FREE = ("logger", "paths")
_REQUEST = ("resume",)  # how the request is made, no part of the run
_LIMITS = ("trainer.max_epochs", "trainer.max_steps", "trainer.max_time")
_MISSING = object()


def resume_config(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration to go on with: the stored one, with what may change.

    Those are the lengths of training (`trainer.max_*`), the folders (`paths`, and what is given by
    them) and the loggers. A logger that is named replaces the stored ones as a whole.

    Arguments:
        stored: The configuration the run was started with, resolved.
        changes: The whole configuration now asked for, or the part of it that was named. A value
            equal to the stored one is no change.

    Raises:
        RequestError: Something else would change. Names the key and both values.

    Example:
        >>> stored = {"seed": 0, "trainer": {"max_epochs": 20, "precision": "32-true"}}
        >>> resume_config(stored, {"trainer": {"max_epochs": 30}})["trainer"]["max_epochs"]
        30
        >>> resume_config(stored, {"seed": 1})
        Traceback (most recent call last):
        lvm_experiments.errors.RequestError: seed: is 0 in the run to resume, ...
    """
    result = copy.deepcopy(dict(stored))
    folders = _changed_folders(stored.get("paths") or {}, changes.get("paths") or {})
    for path, value in _leaves(changes):
        key = ".".join(path)
        before = _get(stored, path)
        if _same(before, value) or path[0] in (*_FREE, *_REQUEST):
            continue
        if key not in _LIMITS and not _moved(before, value, folders):
            raise RequestError(
                f"is {_show(before)} in the run to resume, and {_show(value)} was asked for",
                where=key,
                hint="only trainer.max_*, paths and logger may change; else start a new run",
            )
        _set(result, path, value)
    for group in _FREE:
        if group in changes:
            merged = group == "paths" and isinstance(result.get(group), dict)
            result[group] = {**result[group], **changes[group]} if merged else copy.deepcopy(changes[group])
    return result


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    # Paths, not dotted keys: a sweep's job has keys with dots in them, the swept words of `sweep.point`.
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _get(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = tree
    for part in path:
        if not isinstance(node, Mapping) or part not in node:
            return _MISSING
        node = node[part]
    return node


def _set(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for part in parents:
        tree = tree[part]
    tree[last] = value


def _same(before: Any, value: Any) -> bool:
    # True equals 1 for Python, and a tuple is not a list; a configuration means neither.
    if isinstance(before, bool) is not isinstance(value, bool):
        return False
    if isinstance(before, list | tuple) and isinstance(value, list | tuple):
        return len(before) == len(value) and all(map(_same, before, value))
    return bool(before == value)


def _changed_folders(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[Any, str]]:
    pairs = ((before.get(key), value) for key, value in after.items() if isinstance(value, str))
    return [(old, new) for old, new in pairs if old != new]


def _moved(before: Any, value: Any, folders: list[tuple[Any, str]]) -> bool:
    """Whether a value (`data.path`, say) is what it was, below a folder that was renamed."""
    for old, new in folders:
        if not isinstance(value, str) or not value.startswith(new):
            continue
        rest = value[len(new) :]
        if before == (None if old is None and not rest else f"{old}{rest}"):
            return True
    return False


def _show(value: Any) -> str:
    return "not there" if value is _MISSING else repr(value)
