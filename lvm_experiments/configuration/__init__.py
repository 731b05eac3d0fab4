"""From the words of a command line to objects: composed, checked without importing them, then built."""

from __future__ import annotations

__all__ = [
    "ConfigTree",
    "Part",
    "Settings",
    "check",
    "compose",
    "conf_dir",
    "instantiate",
    "parse_override",
    "points",
    "register_resolvers",
]

from lvm_experiments.configuration.check import check
from lvm_experiments.configuration.compose import compose
from lvm_experiments.configuration.instantiate import Part, instantiate
from lvm_experiments.configuration.overrides import parse_override, points
from lvm_experiments.configuration.resolvers import register_resolvers
from lvm_experiments.configuration.settings import Settings
from lvm_experiments.configuration.tree import ConfigTree, conf_dir
