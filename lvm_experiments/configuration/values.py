"""Compares a value of a YAML file with the annotation of the argument it is for."""

from __future__ import annotations

__all__ = ["check_value"]

import ast
import collections.abc
import json
import typing
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lvm_experiments import types
from lvm_experiments.configuration.signature import Parameter
from lvm_experiments.configuration.source import resolve_name
from lvm_experiments.errors import RequestError

_NAMES: dict[str, Any] = {
    **{kind.__name__: kind for kind in (bool, dict, float, int, list, set, str, tuple)},
    **{name: getattr(typing, name) for name in ("Annotated", "Any", "Literal", "Optional", "Union")},
    **{name: getattr(typing, name) for name in ("Dict", "List", "Tuple")},
    **{name: getattr(collections.abc, name) for name in ("Mapping", "Sequence")},
    **{name: getattr(types, name) for name in types.__all__},
}
_SEQUENCES = {"List", "Sequence", "Tuple", "list", "tuple"}
_OBJECTS = {
    "Callable",
    "Path",
    "Tensor",
    "timedelta",
    "type",
}  # no plain value of a YAML file is one
_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_from_float": "an integer",
    "int_type": "an integer",
    "list_type": "a list",
    "none_required": "null",
    "string_type": "a string",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": "is not greater than {gt:g}",
    "greater_than_equal": "is less than {ge:g}",
    "less_than": "is not less than {lt:g}",
    "less_than_equal": "is greater than {le:g}",
}


def check_value(value: object, parameter: Parameter, where: str) -> None:
    """Refuses a plain value that the annotation excludes; one that cannot be read excludes none.

    No value is converted: `"3"` is no number, `true` no integer, `1.5` no integer. But a list is a
    tuple, and an integer a float.

    Arguments:
        value: Plain: numbers, strings, lists, mappings, None.
        parameter: The argument it is for.
        where: The dotted path, for the message.

    Raises:
        RequestError: What was expected and what was got.
    """
    if parameter.annotation is None or (value is None and parameter.may_be_null):
        return
    adapter = _adapter(ast.unparse(parameter.annotation), parameter.module)
    if adapter is not None:
        check_against(value, adapter, where)


def check_against(value: object, adapter: TypeAdapter[Any], where: str) -> None:
    """The same, with the type at hand."""
    try:
        # In JSON a list is the only sequence: even to the strict it stands for a tuple.
        adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise _refusal(value, error, where) from None


@cache
def _adapter(annotation: str, module: str) -> TypeAdapter[Any] | None:
    tree = _without_objects(ast.parse(annotation, mode="eval").body, module)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree is not None else {""}
    if tree is None or not names <= _NAMES.keys() or any(isinstance(n, ast.Attribute) for n in ast.walk(tree)):
        return None
    code = compile(ast.fix_missing_locations(ast.Expression(tree)), "<annotation>", "eval")
    try:
        # Installed source only, in which every name is one of ours.
        return TypeAdapter(eval(code, {"__builtins__": {}}, _NAMES))
    except TypeError:
        return None


def _without_objects(node: ast.expr, module: str) -> ast.expr | None:
    """Leaves out the members of a union that are classes: a plain value is one of the others."""
    match node:
        case ast.BinOp(op=ast.BitOr()):
            sides = [_without_objects(side, module) for side in (node.left, node.right)]
            kept = [side for side in sides if side is not None]
            return ast.BinOp(kept[0], ast.BitOr(), kept[1]) if len(kept) == 2 else (kept[0] if kept else None)
        case ast.Subscript(value=ast.Name(id="Optional" | "Union" as kind), slice=inner):
            members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            kept = [m for m in (_without_objects(member, module) for member in members) if m is not None]
            if not kept:
                return None
            members_kept = ast.Tuple(kept, ast.Load()) if len(kept) > 1 else kept[0]
            return ast.Subscript(ast.Name(kind, ast.Load()), members_kept, ast.Load())
        case ast.Subscript(value=ast.Name(id=kind), slice=inner) if kind in _SEQUENCES:
            members = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            kept = [m for m in (_without_objects(member, module) for member in members) if m is not None]
            if len(kept) < len(members):
                return None
            content = ast.Tuple(kept, ast.Load()) if isinstance(inner, ast.Tuple) else kept[0]
            return ast.Subscript(ast.Name(kind, ast.Load()), content, ast.Load())
    return None if _is_object(node, module) else node


def _is_object(node: ast.expr, module: str) -> bool:
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Attribute):
        return node.attr in _OBJECTS or node.attr == "Module"
    if not isinstance(node, ast.Name) or node.id in _NAMES:
        return False
    if node.id in _OBJECTS:
        return True
    found = resolve_name(module, node.id)
    return found is not None and isinstance(found.node, ast.ClassDef)


def _refusal(value: object, error: ValidationError, where: str) -> RequestError:
    problems = error.errors(include_url=False)
    bound = next((p for p in problems if p["type"] in _BOUNDS), None)
    if bound is not None:
        text = _BOUNDS[bound["type"]].format(**bound["ctx"])
        return RequestError(f"{_show(bound['input'])} {text}", where=where + _place(value, bound["loc"]))
    deepest = max((_place(value, p["loc"]) for p in problems), key=len)
    here = [p for p in problems if _place(value, p["loc"]) == deepest]
    expected = dict.fromkeys(_expectation(p["type"], p.get("ctx", {})) or p["msg"] for p in here)
    got = here[0]["input"] if here[0]["type"] != "missing" else value
    return RequestError(f"expected {' or '.join(expected)}, got {_show(got)}", where=where + deepest)


def _expectation(kind: str, context: dict[str, Any]) -> str:
    if kind == "literal_error":
        return f"one of {context['expected'].replace(' or ', ', ')}"
    if kind in ("missing", "too_long", "too_short"):
        return "a list of another length"
    return _EXPECTED.get(kind, "")


def _place(value: object, location: tuple[int | str, ...]) -> str:
    """Only the indices that lead into the value; pydantic names members of unions as well."""
    text = ""
    for part in location:
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            value, text = value[part], f"{text}[{part}]"
        elif isinstance(value, dict) and part in value:
            value, text = value[str(part)], f"{text}.{part}"
    return text


def _show(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)  # as it is written in YAML
    return repr(value)
