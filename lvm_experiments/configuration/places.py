"""Paths that a run can be gone on with, and measured again, from another folder."""

from __future__ import annotations

__all__ = ["with_absolute_paths"]

from pathlib import Path
from typing import Any

_PLACES = (("ckpt_path",), ("paths", "data_dir"), ("data", "path"))


def with_absolute_paths(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the places of data and checkpoint written out; they are relative to where one stands.

    `paths.root` stays as it was given: what lies below it is found by the run's own folder.

    Arguments:
        config: Resolved, plain containers.

    Example:
        >>> with_absolute_paths({"ckpt_path": None, "data": {"path": "/d/../e"}})["data"]["path"]
        '/e'
    """
    written = dict(config)
    for *group, key in _PLACES:
        node = written
        for name in group:
            if not isinstance(node.get(name), dict):
                break
            node[name] = dict(node[name])
            node = node[name]
        else:
            if isinstance(node.get(key), str):
                node[key] = str(Path(node[key]).expanduser().resolve())
    return written
