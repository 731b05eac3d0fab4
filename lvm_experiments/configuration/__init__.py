"""From the words of a command line to objects: composed, checked unimported, then built."""

from __future__ import annotations

__all__ = [
    "Composition",
    "ConfigTree",
    "Part",
    "Settings",
    "check",
    "compose",
    "compose_job",
    "conf_dir",
    "instantiate",
    "parse_override",
    "points",
    "register_resolvers",
]

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lvm_experiments.configuration.checking import check
    from lvm_experiments.configuration.composition import Composition, compose, compose_job
    from lvm_experiments.configuration.instantiation import Part, instantiate
    from lvm_experiments.configuration.overrides import parse_override, points
    from lvm_experiments.configuration.resolvers import register_resolvers
    from lvm_experiments.configuration.settings import Settings
    from lvm_experiments.configuration.tree import ConfigTree, conf_dir

_MODULES = {
    "Composition": "composition",
    "ConfigTree": "tree",
    "Part": "instantiation",
    "Settings": "settings",
    "check": "checking",
    "compose": "composition",
    "compose_job": "composition",
    "conf_dir": "tree",
    "instantiate": "instantiation",
    "parse_override": "overrides",
    "points": "overrides",
    "register_resolvers": "resolvers",
}


def __getattr__(name: str) -> Any:
    # Hydra and pydantic take half of the time that a question on the command line may take.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
