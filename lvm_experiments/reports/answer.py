"""What a sweep says, in sentences made from its numbers."""

from __future__ import annotations

__all__ = ["TITLES", "Answer", "answers", "error_of", "outcome", "plus_minus", "title"]

import math
from dataclasses import dataclass

from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.paired import Difference
from lvm_experiments.reports.rows import Cell, Column, Row
from lvm_experiments.reports.run import Run
from lvm_experiments.reports.significant import significant, with_error

TITLES = {
    "nll": "NLL",
    "bits_per_dim": "bits per dimension",
    "elbo": "ELBO",
    "iw_elbo": "importance weighted bound",
    "reconstruction_error": "reconstruction error",
    "active_units": "active units",
    "effective_samples": "effective samples",
}
"""How metrics are called in sentences and on axes, where that is not their name."""


@dataclass(frozen=True)
class Answer:
    """What holds in one observation space.

    Arguments:
        space: The space.
        row: The name of the best row.
        lead: What it is best at, to be read after its name.
        figure: Its number with error and unit.
        meaning: What the number is.
        rest: How far the next row is, in sentences.
    """

    space: str
    row: str
    lead: str
    figure: str
    meaning: str
    rest: str

    def __str__(self) -> str:
        return f"{self.row} {self.lead}: {self.figure} ({self.meaning}). {self.rest}".strip()


def title(metric: str) -> str:
    """What a metric is called in a sentence."""
    return TITLES.get(metric, metric.replace("_", " "))


def plus_minus(mean: float, error: float | None) -> str:
    """A number and its error; a real minus sign.

    Example:
        >>> plus_minus(-26.8512, 0.0432), plus_minus(3.0, None)
        ('−26.851 ± 0.043', '3')
    """
    value, spread = with_error(mean, error)
    return f"{value} ± {spread}".replace("-", "\N{MINUS SIGN}") if spread else value.replace("-", "\N{MINUS SIGN}")


def error_of(difference: Difference) -> str:
    """Where the error of a difference comes from, in words.

    Example:
        >>> error_of(Difference(1.0, 0.2, 0.1, 360, 2))
        'paired standard error 0.2 over 360 examples, 0.1 over 2 seeds'
    """
    words = []
    if difference.error is not None:
        words.append(f"{significant(difference.error, 2)} over {difference.examples} examples")
    if difference.seed_error is not None:
        words.append(f"{significant(difference.seed_error, 2)} over {difference.seeds} seeds")
    return f"paired standard error {', '.join(words)}" if words else f"{difference.examples} example"


def answers(comparison: Comparison) -> list[Answer]:
    """One answer for each observation space in which something can be ranked, in the order of the table."""
    main = comparison.main
    if main is None:
        return []
    return [_answer(comparison, main, space, members) for space, members in comparison.groups.items()]


def outcome(comparison: Comparison) -> str:
    """How the runs ended, in a sentence or two.

    Example:
        >>> from lvm_experiments.reports.collect import Collection
        >>> outcome(Comparison(Collection("t", "", (), (), (), ()), (), (), "test", None, {}, ()))
        'No run has completed yet.'
    """
    counts = comparison.collection.counts
    total, done = sum(counts.values()), counts.get("completed", 0)
    others = [f"{n} {state}" for state, n in counts.items() if state != "completed"]
    if not done:
        text = "No run has completed yet" + (f": {', '.join(others)}" if others else "") + "."
    elif done == total:
        text = f"All {total} runs completed." if total > 1 else "The run completed."
    else:
        text = f"{done} of {total} runs completed; {', '.join(others)}."
    runs = comparison.collection.runs
    text += _reasons("Failed", [run for run in runs if run.state in ("failed", "refused")])
    return text + _reasons("Not counted", [run for run in runs if run.state == "completed" and not run.numbers])


def _reasons(what: str, runs: list[Run]) -> str:
    """Each reason once, with the first run it holds of; three at most."""
    reasons: dict[str, list[str]] = {}
    for run in runs:
        reasons.setdefault(run.reason or "no reason is known", []).append(run.name)
    told = [f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: {why}" for why, names in reasons.items()]
    if not told:
        return ""
    return f" {what}: {'; '.join(told[:3])}." + (f" And {len(told) - 3} more reasons." if len(told) > 3 else "")


def _answer(comparison: Comparison, main: Column, space: str, members: tuple[int, ...]) -> Answer:
    rows = [comparison.rows[number] for number in members]
    first, metric = rows[0], title(main.metric)
    cell = comparison.cell(first, main.metric)
    figure = f"{plus_minus(cell.mean, cell.deviation)} {main.unit}"
    spread = f"mean ± standard deviation over {cell.n} runs" if cell.deviation is not None else "one run"
    meaning = f"{comparison.split} {metric}, {spread}"
    if len(rows) == 1:
        return Answer(space, first.name, "is the only row of its space", figure, meaning, "")
    lead = f"has the {'highest' if main.higher_is_better else 'lowest'} validation {metric} of {len(rows)} rows"
    return Answer(space, first.name, lead, figure, meaning, _runner_up(comparison, main, first, rows[1]))


def _runner_up(comparison: Comparison, main: Column, first: Row, second: Row) -> str:
    difference = second.differences.get(main.metric) if second.reference == first.name else None
    if difference is None:
        return _unpaired(main, comparison.cell(first, main.metric), comparison.cell(second, main.metric), second.name)
    # The difference is the second's to the first.
    better = "lower" if difference.value > 0 else "higher"
    gap = f"{significant(abs(difference.value), 3)} {main.unit}"
    if not difference.clear:
        where = f"{gap} {better} on {comparison.split} data ({error_of(difference)})"
        return f"It cannot be told apart from the next, {second.name}: {where}."
    verdict = "" if (better == "higher") == bool(main.higher_is_better) else ", against the order on validation"
    return f"It is {gap} {better} than the next, {second.name}{verdict} ({error_of(difference)})."


def _unpaired(main: Column, first: Cell, second: Cell, name: str) -> str:
    gap = abs(first.mean - second.mean)
    if not math.isfinite(gap):
        return ""
    return f"The next, {name}, is {significant(gap, 3)} {main.unit} away; its examples were not kept for pairing."
