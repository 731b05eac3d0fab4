"""What stands on a command line: choices of options, values, sweeps."""

from __future__ import annotations

__all__ = ["parse_override", "points"]

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep, Override
from hydra.errors import HydraException

from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError


@cache
def _parser() -> OverridesParser:
    return OverridesParser.create()


def parse_override(text: str) -> Override:
    """Reads one override.

    Raises:
        RequestError: Where it does not follow Hydra's grammar.

    Example:
        >>> parse_override("model.latent_dim=3").key_or_group
        'model.latent_dim'
    """
    try:
        override = _parser().parse_overrides([text])[0]
    except HydraException as error:
        key, _, value = text.partition("=")
        hint = "quote special characters, as in 'name=\"a (b)\"'" if key and value else "write key=value"
        if key.lstrip("+~") and value.startswith("="):
            hint = f"write {key}={value.lstrip('=')}, with one equals sign"
        raise RequestError("cannot be read as key=value", where=text, hint=hint) from error
    if not override.key_or_group:
        raise RequestError("there is no key before the equals sign", where=text, hint="write key=value")
    return override


def points(overrides: Sequence[str], tree: ConfigTree, limit: int = 64) -> Iterator[list[str]]:
    """Jobs of a sweep that show every swept value once, the other sweeps being at their first.

    Enough to find a wrong word before the first job starts, without composing the whole grid; what
    is wrong in a combination only, its own job finds.

    Arguments:
        overrides: The command line.
        tree: Knows the options a `glob(*)` stands for.
        limit: At most so many jobs.

    Example:
        >>> list(points(["seed=0,1", "name=a,b"], ConfigTree.default()))
        [['seed=0', 'name=a'], ['seed=1', 'name=a'], ['seed=0', 'name=b']]
    """
    columns = [_values(parse_override(text), text, tree, limit) for text in overrides]
    first = [column[0] for column in columns]
    varied = (
        [*first[:place], value, *first[place + 1 :]] for place, column in enumerate(columns) for value in column[1:]
    )
    yield first
    yield from islice(varied, limit - 1)


def _values(override: Override, text: str, tree: ConfigTree, limit: int) -> list[str]:
    if not override.is_sweep_override():
        return [text]
    key, value = override.get_key_element(), override.value()
    if isinstance(value, Glob):
        options = value.filter(list(tree.options(override.key_or_group)))
        if not options:
            raise RequestError("no option matches", where=text)
        return [f"{key}={option}" for option in options]
    if isinstance(value, IntervalSweep):
        return [f"{key}={value.start}"]
    found = [f"{key}={one}" for one in islice(override.sweep_string_iterator(), limit)]
    if not found:
        raise RequestError("a sweep over no value", where=text)
    return found
