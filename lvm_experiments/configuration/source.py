"""Finds where a dotted name is defined by reading source files, importing nothing."""

from __future__ import annotations

__all__ = ["Definition", "find", "is_there", "names_in", "resolve_name"]

import ast
import sys
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from lvm_experiments.errors import RequestError

_DEPTH = 12  # re-exports followed before giving up


@dataclass(frozen=True)
class Definition:
    """A class or function statement and the file it stands in.

    Arguments:
        node: The statement.
        module: The dotted name of its module.
    """

    node: ast.ClassDef | ast.FunctionDef
    module: str


def find(target: str) -> Definition | None:
    """Where a dotted name is defined, through any number of re-exports; None if not readable.

    Example:
        >>> find("lvm_experiments.configuration.find_nothing") is None
        True
        >>> find("lvm_experiments.configuration.ConfigTree").module
        'lvm_experiments.configuration.tree'
    """
    module, _, name = target.rpartition(".")
    return resolve_name(module, name) if module else None


def is_there(top: str) -> bool:
    """Whether there is a module or package of that name to import, or one has been imported.

    Example:
        >>> is_there("json"), is_there("there_is_no_such_module")
        (True, False)
    """
    return top in sys.modules or PathFinder.find_spec(top) is not None


def names_in(module: str) -> tuple[str, ...]:
    """The public names of a module: its `__all__`, or else the classes and functions in it."""
    tree = _parse(module)
    if tree is None:
        return ()
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(_is_name(t, "__all__") for t in statement.targets):
            try:
                return tuple(ast.literal_eval(statement.value))
            except ValueError:
                break
    written = (s.name for s in tree.body if isinstance(s, ast.ClassDef | ast.FunctionDef))
    return tuple(name for name in written if not name.startswith("_"))


def resolve_name(module: str, name: str, depth: int = 0) -> Definition | None:
    """What a bare name in a module's source refers to."""
    tree = _parse(module)
    if tree is None or depth > _DEPTH:
        return None
    stars = []
    for statement in reversed(_top_level(tree)):
        match statement:
            case ast.ClassDef() | ast.FunctionDef() if statement.name == name:
                return Definition(statement, module)
            case ast.ImportFrom():
                source = _absolute(statement, module)
                for alias in statement.names:
                    if (alias.asname or alias.name) == name:
                        return resolve_name(source, alias.name, depth + 1)
                    if alias.name == "*":
                        stars.append(source)
            case ast.Assign(value=ast.Name(id=other)) if any(_is_name(t, name) for t in statement.targets):
                return resolve_name(module, other, depth + 1)
    for source in stars:
        found = resolve_name(source, name, depth + 1)
        if found is not None:
            return found
    return None


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    statements: list[ast.stmt] = []
    for statement in tree.body:
        match statement:
            case ast.If():  # `if TYPE_CHECKING:` and the like
                statements.extend([*statement.orelse, *statement.body])
            case ast.Try():
                statements.extend(statement.body)
            case _:
                statements.append(statement)
    return statements


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _absolute(statement: ast.ImportFrom, module: str) -> str:
    if not statement.level:
        return statement.module or ""
    file = _file(module)
    package = module.split(".")
    up = statement.level - (1 if file is not None and file.name == "__init__.py" else 0)
    base = package[: len(package) - up] if up else package
    return ".".join([*base, *([statement.module] if statement.module else [])])


@cache
def _parse(module: str) -> ast.Module | None:
    file = _file(module)
    try:
        return None if file is None else ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except SyntaxError as error:
        raise RequestError(f"{module} cannot be imported: {error}") from error


@cache
def _file(module: str) -> Path | None:
    top, *inner = module.split(".")
    # PathFinder looks without importing; a package's own `__path__` would need the import.
    spec = PathFinder.find_spec(top) if top.isidentifier() else None
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return Path(spec.origin) if not inner and spec.origin and spec.origin.endswith(".py") else None
    for root in spec.submodule_search_locations:
        base = Path(root).joinpath(*inner)
        for file in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if file.is_file():
                return file
    return None
