"""Compares a configuration with the classes it names, without importing them."""

from __future__ import annotations

__all__ = ["check", "check_object", "check_request"]

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from omegaconf import DictConfig
from pydantic import TypeAdapter

from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.settings import Paths, Settings, SweepSettings
from lvm_experiments.configuration.signature import Signature, signature
from lvm_experiments.configuration.targets import refuse_unless_allowed
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.configuration.values import check_against, check_value
from lvm_experiments.errors import RequestError, nearest

_SPECIAL = {"_target_": str, "_partial_": bool, "_convert_": str, "_recursive_": bool}


def check(
    config: Mapping[str, Any] | DictConfig,
    allow: Sequence[str] | None = None,
    *,
    tree: ConfigTree | None = None,
) -> None:
    """Refuses the first thing in a whole configuration that cannot be right.

    Keys at the top, targets that may not be named, keys that are no argument of their target,
    arguments without a value, values of a wrong type or out of range, a checkpoint that is not
    there. Source files are read, torch is not imported.

    Arguments:
        config: Composed, or plain containers.
        allow: Modules of the user's own; None for those the configuration lists itself.
        tree: Whose groups the configuration has; the package's own unless given.

    Raises:
        RequestError: What is wrong, and where.
    """
    plain = to_plain(config, resolve=True) if isinstance(config, DictConfig) else config
    groups = {name.split("/")[0] for name in (tree or ConfigTree.default()).groups}
    _check_fields(plain, Settings, "", also=groups)
    for key, schema in (("paths", Paths), ("sweep", SweepSettings)):
        if isinstance(plain.get(key), Mapping):
            _check_fields(plain[key], schema, key)
    allow = plain["allow_targets"] if allow is None else allow
    for where, node in _nodes({key: value for key, value in plain.items() if key in groups}, ""):
        _check_node(node, where, allow)
    checkpoint = plain["ckpt_path"]
    if checkpoint is not None and not Path(checkpoint).expanduser().is_file():
        raise RequestError(f"there is no file {checkpoint}", where="ckpt_path", hint="name a .ckpt file of a run")


def check_object(node: Mapping[str, Any], where: str, allow: Sequence[str]) -> None:
    """The same for one object and those within it.

    Arguments:
        node: Plain containers; names its target.
        where: Its dotted path.
        allow: Modules whose classes it may name, besides parts of an experiment.

    Raises:
        RequestError: What is wrong, and where.
    """
    for path, inner in _nodes(node, where):
        _check_node(inner, path, allow)


def check_request(config: Mapping[str, Any], schema: type) -> None:
    """The same for a smaller command: its keys are the fields of a dataclass, its groups the objects among its values.

    Arguments:
        config: Plain containers.
        schema: The dataclass; it has a field `allow_targets`.

    Raises:
        RequestError: What is wrong, and where.
    """
    objects = {key for key, value in config.items() if isinstance(value, Mapping)}
    _check_fields(config, schema, "", also=objects)
    for where, node in _nodes({key: config[key] for key in objects}, ""):
        _check_node(node, where, config["allow_targets"])


def _check_fields(plain: Mapping[str, Any], schema: type, where: str, also: set[str] | None = None) -> None:
    kinds = _adapters(schema)
    prefix = f"{where}." if where else ""
    for key, value in plain.items():
        if key in kinds:
            check_against(value, kinds[key], f"{prefix}{key}")
        elif key not in (also or ()):
            raise _no_such_key(f"{prefix}{key}", str(key), [*kinds, *sorted(also or ())])
    for key in kinds:
        if key not in plain:
            raise RequestError("a value is missing", where=f"{prefix}{key}")


@cache
def _adapters(schema: type) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(schema, include_extras=True)
    return {field.name: TypeAdapter(hints[field.name]) for field in dataclasses.fields(schema)}


def _nodes(node: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every mapping that names a target, wherever it hides, with its path."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield where, node
        for key, value in node.items():
            yield from _nodes(value, f"{where}.{key}".lstrip("."))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _nodes(value, f"{where}[{place}]")


def _check_node(node: Mapping[str, Any], where: str, allow: Sequence[str]) -> None:
    target = refuse_unless_allowed(node["_target_"], where, allow)
    for key, kind in _SPECIAL.items():
        if key in node and not isinstance(node[key], kind):
            raise RequestError(f"expected a {kind.__name__}, got {node[key]!r}", where=f"{where}.{key}")
    known = signature(target)
    if known is None:
        return
    given = {key: value for key, value in node.items() if key not in _SPECIAL}
    for key, value in given.items():
        parameter = known.parameters.get(key)
        if parameter is None:
            if not known.open:
                raise _no_such_key(f"{where}.{key}", str(key), list(known.parameters))
        elif not any(True for _ in _nodes(value, "")):
            check_value(value, parameter, f"{where}.{key}")
    if not node.get("_partial_", False):
        _check_complete(target, known, given, where)


def _check_complete(target: str, known: Signature, given: Mapping[str, Any], where: str) -> None:
    missing = [p.name for p in known.parameters.values() if p.required and p.name not in given]
    if missing:
        name = target.rpartition(".")[2]
        raise RequestError(f"a value is missing, {name} has no default for it", where=f"{where}.{missing[0]}")


def _no_such_key(where: str, key: str, valid: Sequence[str]) -> RequestError:
    meant = nearest(key, valid)
    above = where.rpartition(".")[0]
    hint = (
        f"did you mean {above + '.' if above else ''}{meant}?" if meant else f"valid here: {', '.join(valid) or 'none'}"
    )
    return RequestError("no such key", where=where, hint=hint)
