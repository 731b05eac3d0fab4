"""The arguments of a class or function, read from its source without importing it."""

from __future__ import annotations

__all__ = ["Parameter", "Signature", "signature"]

import ast
from dataclasses import dataclass, field
from functools import cache

from lvm_experiments.configuration.source import Definition, find, resolve_name

_WITHOUT_ARGUMENTS = {"ABC", "Dataset", "Enum", "Generic", "Module", "Protocol", "object"}


@dataclass(frozen=True)
class Parameter:
    """One argument.

    Arguments:
        name: Its name, the key in a YAML file.
        annotation: What its source says of its type.
        required: Whether there is no default.
        may_be_null: Whether the default is None, whatever the annotation says.
        module: The module whose names the annotation uses.
    """

    name: str
    annotation: ast.expr | None
    required: bool
    may_be_null: bool
    module: str


@dataclass(frozen=True)
class Signature:
    """The arguments of a target.

    Arguments:
        parameters: By name, in order.
        open: Whether further keywords are taken that the source does not name.
    """

    parameters: dict[str, Parameter] = field(default_factory=dict)
    open: bool = False


@cache
def signature(target: str) -> Signature | None:
    """The arguments a dotted name takes; None where its source is not found.

    Example:
        >>> signature("lvm_experiments.errors.RequestError").parameters["hint"].required
        False
    """
    found = find(target)
    return None if found is None else _of(found)


def _of(found: Definition) -> Signature:
    if isinstance(found.node, ast.FunctionDef):
        return _of_function(found.node, found.module, method=False)
    own = next(
        (s for s in found.node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"),
        None,
    )
    if own is not None:
        mine = _of_function(own, found.module, method=True)
        if not mine.open or not _hands_on(own):
            return mine
        above = _of_bases(found)
        return Signature({**above.parameters, **mine.parameters}, above.open)
    if any(_called(d) == "dataclass" for d in found.node.decorator_list):
        return Signature(_fields(found))
    return _of_bases(found)


def _of_bases(found: Definition) -> Signature:
    assert isinstance(found.node, ast.ClassDef)
    known = (found.module.split(".")[0], "lvm_experiments")
    for base in found.node.bases:
        name = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(name, ast.Name):
            above = resolve_name(found.module, name.id)
            if above is not None and above.module.split(".")[0] in known:
                return _of(above)
        if _called(base) not in _WITHOUT_ARGUMENTS:
            return Signature(open=True)
    return Signature()


def _of_function(node: ast.FunctionDef, module: str, *, method: bool) -> Signature:
    positional = [*node.args.posonlyargs, *node.args.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    pairs = [*zip(positional, [*padding, *node.args.defaults], strict=True)][1 if method else 0 :]
    pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    parameters = {a.arg: _parameter(a.arg, a.annotation, default, module) for a, default in pairs}
    return Signature(parameters, open=node.args.kwarg is not None)


def _hands_on(constructor: ast.FunctionDef) -> bool:
    """Whether the further keywords go to the constructor of the base class."""
    further = constructor.args.kwarg
    for call in ast.walk(constructor):
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__")):
                for keyword in call.keywords:
                    if keyword.arg is None and further is not None:
                        return isinstance(keyword.value, ast.Name) and keyword.value.id == further.arg
    return False


def _fields(found: Definition) -> dict[str, Parameter]:
    assert isinstance(found.node, ast.ClassDef)
    above: dict[str, Parameter] = {}
    for base in reversed(found.node.bases):
        definition = resolve_name(found.module, base.id) if isinstance(base, ast.Name) else None
        if definition is not None and isinstance(definition.node, ast.ClassDef):
            above |= _fields(definition)
    for s in found.node.body:
        if not isinstance(s, ast.AnnAssign) or not isinstance(s.target, ast.Name):
            continue
        if _called(s.annotation) == "ClassVar":
            continue
        default = s.value
        if isinstance(default, ast.Call) and _called(default) == "field":
            options = {k.arg: k.value for k in default.keywords}
            match options.get("init"):
                case ast.Constant(value=False):
                    continue
            default = options.get("default") or options.get("default_factory")
        above[s.target.id] = _parameter(s.target.id, s.annotation, default, found.module)
    return above


def _parameter(name: str, annotation: ast.expr | None, default: ast.expr | None, module: str) -> Parameter:
    null = isinstance(default, ast.Constant) and default.value is None
    return Parameter(name, annotation, required=default is None, may_be_null=null, module=module)


def _called(node: ast.expr) -> str:
    """The last name of `name`, `module.name`, `name(...)` and `name[...]`."""
    match node:
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _called(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
