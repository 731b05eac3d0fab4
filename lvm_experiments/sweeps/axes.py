"""What a sweep varies: from the words of a command line to the points of a grid."""

from __future__ import annotations

__all__ = ["Axis", "Point", "first_words", "grid", "read_axes"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from hydra.core.override_parser.types import Glob, IntervalSweep, Override

from lvm_experiments.configuration.overrides import parse_override
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError

Point = dict[str, Any]
"""Swept values by the words they have on the command line."""


@dataclass(frozen=True)
class Axis:
    """One thing that is varied.

    Arguments:
        key: The word before the equals sign, without a plus.
        words: A word of a command line for each value.
        values: The values.
    """

    key: str
    words: tuple[str, ...]
    values: tuple[Any, ...]


def read_axes(words: Sequence[str], params: Mapping[str, Any], tree: ConfigTree) -> tuple[list[str], list[Axis]]:
    """Tells the words all jobs share from those that vary.

    Arguments:
        words: Of the command line.
        params: Of a named sweep, `hydra.sweeper.params`; a word of the command line replaces its namesake.
        tree: Knows the options a `glob(*)` stands for.

    Returns:
        The shared words, and the axes: first those of the named sweep.

    Raises:
        RequestError: For a sweep over nothing, or over an interval.

    Example:
        >>> fixed, axes = read_axes(["name=a", "seed=0,1"], {"seed": "range(0,5)"}, ConfigTree.default())
        >>> fixed, [(axis.key, axis.values) for axis in axes]
        (['name=a'], [('seed', (0, 1))])
    """
    own = [parse_override(word) for word in words]
    named = {override.key_or_group for override in own}
    brought = [parse_override(f"{key}={'null' if value is None else value}") for key, value in params.items()]
    fixed, axes = [], []
    places = {override.key_or_group: None for override in brought if override.is_sweep_override()}
    by_key: dict[str, Axis | None] = dict(places)
    for override in [*(o for o in brought if o.key_or_group not in named), *own]:
        if override.is_sweep_override():
            by_key[override.key_or_group] = _axis(override, tree)
        else:
            fixed.append(str(override.input_line))
    axes = [axis for axis in by_key.values() if axis is not None]
    return fixed, axes


def grid(fixed: Sequence[str], axes: Sequence[Axis]) -> Iterator[tuple[list[str], Point]]:
    """Every combination once, the last axis fastest: its words, and its point.

    Example:
        >>> axis = Axis("seed", ("seed=0", "seed=1"), (0, 1))
        >>> list(grid(["name=a"], [axis]))
        [(['name=a', 'seed=0'], {'seed': 0}), (['name=a', 'seed=1'], {'seed': 1})]
    """
    seen: list[Point] = []
    for places in product(*(range(len(axis.words)) for axis in axes)):
        pairs = list(zip(axes, places, strict=True))
        point = {axis.key: axis.values[place] for axis, place in pairs}
        if point not in seen:
            seen.append(point)
            yield [*fixed, *(axis.words[place] for axis, place in pairs)], point


def first_words(words: Sequence[str], tree: ConfigTree) -> list[str]:
    """The words of a command line with each swept one at its first value."""
    fixed, axes = read_axes(words, {}, tree)
    return [*fixed, *(axis.words[0] for axis in axes)]


def _axis(override: Override, tree: ConfigTree) -> Axis:
    key, line = override.get_key_element(), str(override.input_line)
    value = override.value()
    if isinstance(value, IntervalSweep):
        hint = "name values, or let hparams_search=optuna choose them"
        raise RequestError("a grid has no values for an interval", where=line, hint=hint)
    if isinstance(value, Glob):
        found = list(value.filter(list(tree.options(override.key_or_group))))
        if not found:
            raise RequestError("no option matches", where=line)
    else:
        found = list(override.sweep_string_iterator())
    if not found:
        raise RequestError("a sweep over no value", where=line)
    words = tuple(f"{key}={text}" for text in found)
    return Axis(override.key_or_group, words, tuple(parse_override(word).value() for word in words))
