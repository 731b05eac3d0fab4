"""Runs put together by what was swept: the rows of a comparison, and means over seeds in their cells."""

from __future__ import annotations

__all__ = ["Cell", "Column", "Row", "rows_of", "spoken", "text"]

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lvm_experiments.reports.paired import Difference
from lvm_experiments.reports.run import Run

# What does not change the examples that are measured.
_DATA_ASIDE = ("batch_size", "num_workers", "limit", "shuffle")


@dataclass(frozen=True)
class Cell:
    """One metric of one row.

    Arguments:
        values: A number per completed run, finite ones only, in the order of the runs.
        not_finite: How many more ended with a number that is infinite or NaN.
        basis: What the numbers were measured on; None where the runs of the row do not agree.
    """

    values: tuple[float, ...]
    not_finite: int = 0
    basis: tuple[object, ...] | None = None

    @property
    def n(self) -> int:
        """How many runs it is over."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Over runs; NaN of none."""
        return math.fsum(self.values) / self.n if self.values else math.nan

    @property
    def deviation(self) -> float | None:
        """The standard deviation over runs, with n - 1; None of fewer than two.

        Example:
            >>> Cell((1.0, 2.0, 3.0)).deviation, Cell((1.0,)).deviation
            (1.0, None)
        """
        if self.n < 2:
            return None
        return math.sqrt(math.fsum((value - self.mean) ** 2 for value in self.values) / (self.n - 1))


@dataclass(frozen=True)
class Row:
    """A point of the sweep: runs that differ in their seed only.

    Arguments:
        point: The swept values.
        runs: Its runs.
        space: The observation space they were measured in; empty until one is completed.
        cells: By name, `split/metric`.
        differences: To the reference row, by metric; empty of the reference itself.
        reference: The name of the row the differences are to.
    """

    point: Mapping[str, Any]
    runs: tuple[Run, ...]
    space: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    reference: str = ""

    @property
    def name(self) -> str:
        """Its values in a line, as `baseline=` takes them."""
        return " ".join(text(value) for value in self.point.values()) or "all runs"

    @property
    def completed(self) -> int:
        """How many of its runs are completed."""
        return sum(run.completed for run in self.runs)

    @property
    def failed(self) -> int:
        """How many have failed or were refused, and will not go on by themselves."""
        return sum(run.state in ("failed", "refused") for run in self.runs)


@dataclass(frozen=True)
class Column:
    """A metric of the table.

    Arguments:
        metric: Its name without the split.
        unit: Its unit.
        higher_is_better: Its direction; None where neither is better.
        best: The numbers of the rows that are best, each within its own space.
    """

    metric: str
    unit: str
    higher_is_better: bool | None
    best: frozenset[int] = frozenset()


def text(value: Any) -> str:
    """A swept value as somebody would type it.

    Example:
        >>> [text(v) for v in (2, 0.001, None, True, [200, 200], "mlp")]
        ['2', '0.001', 'null', 'true', '[200, 200]', 'mlp']
    """
    return value if isinstance(value, str) else json.dumps(value, default=str)


def spoken(keys: Sequence[str]) -> dict[str, str]:
    """Short names of keys, to be read: the last part where that tells them apart.

    Example:
        >>> spoken(["model/likelihood", "model.latent_dim"])
        {'model/likelihood': 'likelihood', 'model.latent_dim': 'latent dim'}
    """
    short = {key: key.replace("/", ".").rpartition(".")[2].replace("_", " ") for key in keys}
    return {key: word if list(short.values()).count(word) == 1 else key for key, word in short.items()}


def rows_of(runs: Sequence[Run]) -> tuple[Row, ...]:
    """A row for each point, in the order of the runs; rows of one space stand together."""
    points: dict[str, list[Run]] = {}
    for run in runs:
        points.setdefault(json.dumps(list(run.point.values()), default=str), []).append(run)
    rows = []
    for members in points.values():
        spaces = list(dict.fromkeys(_space(run) for run in members if run.completed)) or [""]
        for number, space in enumerate(spaces):
            # A run without numbers yet stands with the first.
            own = tuple(r for r in members if (_space(r) == space if r.completed else number == 0))
            rows.append(Row(own[0].point, own, space, _cells(own)))
    order = list(dict.fromkeys(row.space for row in rows if row.space))
    return tuple(sorted(rows, key=lambda row: order.index(row.space) if row.space else len(order)))


def _space(run: Run) -> str:
    return next(iter(run.numbers.values())).space if run.numbers else ""


def _cells(runs: Sequence[Run]) -> dict[str, Cell]:
    done = [run for run in runs if run.completed]
    cells = {}
    for name in dict.fromkeys(name for run in done for name in run.numbers):
        found = [(run.numbers[name], run) for run in done if name in run.numbers]
        bases = {(*number.basis, _data(run)) for number, run in found}
        values = tuple(number.value for number, _ in found if math.isfinite(number.value))
        basis = next(iter(bases)) if len(bases) == 1 else None
        cells[name] = Cell(values, len(found) - len(values), basis)
    return cells


def _data(run: Run) -> str:
    """What tells the measured examples of two runs apart."""
    data = run.config.get("data")
    if not isinstance(data, Mapping):
        return ""
    kept = {key: value for key, value in data.items() if key not in (*_DATA_ASIDE, "path")}
    file = str(data.get("path") or "").rpartition("/")[2]
    return json.dumps([kept, file if "." in file else ""], sort_keys=True, default=str)
