"""What a search may try: the words of a command line as Optuna's distributions."""

from __future__ import annotations

__all__ = ["Dimension", "dimension", "split_words"]

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.types import ChoiceSweep, Glob, IntervalSweep, Override, RangeSweep

from lvm_experiments.configuration import ConfigTree, parse_override
from lvm_experiments.errors import RequestError

if TYPE_CHECKING:
    from optuna import Trial


@dataclass(frozen=True)
class Dimension:
    """One thing that is sought.

    Arguments:
        key: As on the command line, like `model.latent_dim`.
        word: The whole word it was given with.
        kind: `int`, `float` or `choice`.
        low: The least value.
        high: The largest value, included.
        step: Between two values; None for any.
        log: Whether to draw on a logarithmic scale.
        choices: Values as they are written.
    """

    key: str
    word: str
    kind: str
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[str, ...] = ()

    def suggest(self, trial: Trial) -> str:
        """Lets a trial choose; the value as it is written. What it has chosen before, it chooses again."""
        if self.kind == "choice":
            return str(trial.suggest_categorical(self.key, self.choices))
        if self.kind == "int":
            low, high, step = int(self.low), int(self.high), int(self.step or 1)
            return str(trial.suggest_int(self.key, low, high, step=step, log=self.log))
        return repr(float(trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log)))


def split_words(words: Iterable[str], params: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The words of a command line that are fixed, and those to search over, the files' own included.

    Arguments:
        words: Overrides.
        params: Key to search space, from the files.

    Example:
        >>> split_words(["seed=1", "model.latent_dim=2,8"], {"seed": "1,2", "optimizer.lr": "interval(0,1)"})
        (['seed=1'], ['optimizer.lr=interval(0,1)', 'model.latent_dim=2,8'])
    """
    fixed, given = [], {}
    for word in words:
        override = parse_override(word)
        if override.is_sweep_override():
            given[override.get_key_element()] = word
        else:
            fixed.append(word)
    named = {parse_override(word).get_key_element() for word in fixed}
    own = {key: f"{key}={text}" for key, text in params.items() if key not in named and key not in given}
    return fixed, [*own.values(), *given.values()]


def dimension(word: str, tree: ConfigTree, takes: Callable[[str], bool]) -> Dimension:
    """Reads a word of Hydra's grammar as something to search over.

    Arguments:
        word: Like `optimizer.lr=tag(log, interval(1e-4, 1e-2))`.
        tree: Knows the options that a `glob(*)` stands for.
        takes: Whether the configuration accepts a word: an interval whose key takes no fractions is one of
            whole numbers, which Hydra's own grammar does not tell.

    Raises:
        RequestError: It is no sweep, or a scale does not fit it.
    """
    override = parse_override(word)
    key, value = override.get_key_element(), override.value() if override.is_sweep_override() else None
    match value:
        case IntervalSweep():
            return _interval(key, word, value, takes)
        case RangeSweep():
            return _range(key, word, value)
        case ChoiceSweep() | Glob():
            return Dimension(key, word, "choice", choices=tuple(_choices(override, tree)))
    hint = "write choice(a,b), range(1,9), interval(2,32) or tag(log, interval(1e-4,1e-2))"
    raise RequestError("is nothing to search over", where=word, hint=hint)


def _interval(key: str, word: str, value: Any, takes: Callable[[str], bool]) -> Dimension:
    low, high, log = value.start, value.end, "log" in value.tags
    if not low < high:
        raise RequestError("the interval is empty", where=word)
    if log and low <= 0:
        raise RequestError("a logarithmic scale has no place for 0", where=word)
    whole = isinstance(low, int) and isinstance(high, int)
    if not whole and low == int(low) and high == int(high):
        whole = not takes(f"{key}={low + 0.5}") and takes(f"{key}={int(low)}")
    return Dimension(key, word, "int" if whole else "float", low, high, log=log)


def _range(key: str, word: str, value: Any) -> Dimension:
    start, stop, step = value.start, value.stop, value.step
    # The stop is not included, whatever the step.
    values = [] if not step else [start + i * step for i in range(max(0, int(-(-(stop - start) // step))))]
    if not values:
        raise RequestError("the range is empty", where=word)
    whole = all(isinstance(end, int) for end in (start, stop, step))
    if "log" in value.tags:
        raise RequestError("a range has no logarithmic scale", where=word, hint="write tag(log, interval(a,b))")
    low, high = min(values), max(values)
    return Dimension(key, word, "int" if whole else "float", low, high, step=abs(step))


def _choices(override: Override, tree: ConfigTree) -> list[str]:
    value = override.value()
    if isinstance(value, Glob):
        found = [str(option) for option in value.filter(list(tree.options(override.key_or_group)))]
    else:
        found = [str(one) for one in override.sweep_string_iterator()]
    if not found:
        raise RequestError("there is nothing to choose from", where=str(override.input_line))
    return found
