"""The members of a package, found by walking it: a new part brings its tests along."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import partial
from typing import Any

# What a test gives to constructor arguments that have no default, by argument name and annotation.
EXAMPLES: dict[tuple[str, str], Any] = {
    ("hidden", "list[PositiveInt]"): [7, 6],
    ("hidden", "PositiveInt"): 9,
    ("channels", "list[PositiveInt]"): [3, 4],
    ("context", "PositiveInt"): 3,
    ("embedding", "PositiveInt"): 5,
    ("features", "PositiveInt"): 4,
    ("layers", "PositiveInt"): 2,
    ("width", "PositiveInt"): 8,
    ("kernels", "list[PositiveInt]"): [5, 3],
}


def members(package: str, base: type) -> list[type]:
    """The public, concrete subclasses of `base` that the package's modules define."""
    root = importlib.import_module(package)
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(root.__path__, package + "."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            own = inspect.isclass(kind) and kind.__module__ == module.name and name[0] != "_"
            if own and issubclass(kind, base) and not inspect.isabstract(kind):
                found[name] = kind
    assert found, f"{package} has no {base.__name__}"
    return [found[name] for name in sorted(found)]


def buildable(kind: type, given: int) -> Any:
    """The class with examples for what it needs beyond its first `given` arguments."""
    parameters = list(inspect.signature(kind).parameters.values())[given:]
    needed = [p for p in parameters if p.default is p.empty]
    return partial(kind, **{p.name: EXAMPLES[p.name, str(p.annotation)] for p in needed})


def undocumented(kinds: list[type]) -> list[str]:
    """Those without an example that runs: a user copies it, the doctests run it."""
    return [kind.__name__ for kind in kinds if ">>>" not in (inspect.getdoc(kind) or "")]
