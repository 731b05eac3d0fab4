"""The table of a comparison, before it is written in any format: rows, columns, what is best, what has to be known."""

from __future__ import annotations

__all__ = ["Comparison", "compare"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.reports.collect import Collection
from lvm_experiments.reports.paired import paired
from lvm_experiments.reports.ranking import best_of, ranked
from lvm_experiments.reports.rows import Cell, Column, Row, rows_of

_ORDER = ("nll", "bits_per_dim", "elbo", "rate", "distortion", "reconstruction_error", "active_units")
_LAST = ("effective_samples",)


@dataclass(frozen=True)
class Comparison:
    """The table, before it is written in any format.

    Arguments:
        collection: What was found.
        rows: In the order of the sweep, those of one space together.
        columns: Metrics that were measured.
        split: The split that is shown.
        main: The metric that ranks; None where nothing can be ranked.
        groups: Numbers of rows whose main metric may be ranked, best first, by what they were measured on.
        notes: What has to be known to read it, in sentences.
    """

    collection: Collection
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    split: str
    main: Column | None
    groups: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What was swept, without the seed."""
        return self.collection.keys

    @property
    def spaces(self) -> tuple[str, ...]:
        """Observation spaces, in the order of the rows."""
        return tuple(dict.fromkeys(row.space for row in self.rows if row.space))

    def cell(self, row: Row, metric: str, split: str | None = None) -> Cell:
        """A metric of a row; empty where it was not measured."""
        return row.cells.get(f"{split or self.split}/{metric}", Cell(()))

    def column(self, metric: str) -> Column | None:
        """A column by its metric."""
        return next((column for column in self.columns if column.metric == metric), None)


def compare(collection: Collection, *, metric: str | None = None, baseline: str | None = None) -> Comparison:
    """Puts runs together.

    Arguments:
        collection: The runs.
        metric: What ranks; None: the first there is of `nll` and its substitutes.
        baseline: The name of the row that differences are to; None: the best row of each space.

    Raises:
        RequestError: There is no such metric or row.
    """
    rows = rows_of(collection.runs)
    numbers = [number for run in collection.runs if run.completed for number in run.numbers.values()]
    splits = dict.fromkeys(number.split for number in numbers)
    split = next((name for name in ("test", "val", *splits) if name in splits), "test")
    columns = []
    for name in _ordered(number.metric for number in numbers):
        one = next(number for number in numbers if number.metric == name)
        columns.append(Column(name, one.unit, one.higher_is_better))
    grouped = {column.metric: ranked(rows, column, split) for column in columns}
    columns = [replace(column, best=best_of(rows, column, grouped[column.metric])) for column in columns]
    main = _main(columns, metric)
    groups = grouped[main.metric] if main else {}
    rows = _with_differences(rows, groups, columns, split, baseline)
    return Comparison(collection, rows, tuple(columns), split, main, groups, tuple(_notes(rows, columns, groups, main)))


def _ordered(metrics: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(metrics))
    first = [name for name in _ORDER if name in found]
    last = [name for name in _LAST if name in found]
    return [*first, *sorted(set(found) - {*first, *last}), *last]


def _main(columns: Sequence[Column], metric: str | None) -> Column | None:
    directed = {column.metric: column for column in columns if column.higher_is_better is not None}
    if metric is None or not columns:
        return next(iter(directed.values()), None)
    metric = metric.rpartition("/")[2]
    if metric not in directed:
        near = nearest(metric, directed)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(directed)}"
        known = metric in {column.metric for column in columns}
        what = f"{metric} is better neither high nor low" if known else f"no run measured {metric!r}"
        raise RequestError(what, where="metric", hint=hint)
    return directed[metric]


def _with_differences(
    rows: tuple[Row, ...],
    groups: Mapping[str, tuple[int, ...]],
    columns: Sequence[Column],
    split: str,
    baseline: str | None,
) -> tuple[Row, ...]:
    given = None if baseline is None else _find(rows, baseline)
    changed = list(rows)
    for members in groups.values():
        if given is not None and given not in members:
            continue
        reference = members[0] if given is None else given
        names = [column.metric for column in columns]
        found = paired([rows[number].runs for number in members], rows[reference].runs, split, names)
        for number, differences in zip(members, found, strict=True):
            if number != reference:
                changed[number] = replace(rows[number], differences=differences, reference=rows[reference].name)
    return tuple(changed)


def _find(rows: Sequence[Row], name: str) -> int:
    names = {row.name: number for number, row in enumerate(rows)}
    plain = {key.replace(" ", "_"): number for key, number in names.items()}
    wanted = name.strip().replace(",", " ")
    for table, key in ((names, " ".join(wanted.split())), (plain, wanted.replace(" ", "_"))):
        if key in table:
            return table[key]
    near = nearest(wanted, names)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(repr(n) for n in list(names)[:6])}"
    raise RequestError(f"no row is called {name!r}", where="baseline", hint=hint)


def _exact_beside_estimates(rows: Sequence[Row], groups: Mapping[str, tuple[int, ...]], main: Column) -> bool:
    for members in groups.values():
        numbers = [one for n in members for run in rows[n].runs for one in run.numbers.values()]
        if len({bool(one.num_samples) for one in numbers if one.metric == main.metric}) > 1:
            return True
    return False


def _notes(
    rows: Sequence[Row], columns: Sequence[Column], groups: Mapping[str, tuple[int, ...]], main: Column | None
) -> list[str]:
    notes = []
    spaces = list(dict.fromkeys(row.space for row in rows if row.space))
    if len(spaces) > 1:
        notes.append(
            f"The rows span {len(spaces)} observation spaces ({'; '.join(spaces)}). Densities of different spaces are "
            "on different scales: the best is marked within each, and nothing is ranked across them."
        )
    if len(groups) > len({name.partition(", ")[0] for name in groups}):
        notes.append(
            "Numbers of one space were measured in different ways and are ranked apart: " + "; ".join(groups) + "."
        )
    if main is not None and _exact_beside_estimates(rows, groups, main):
        notes.append(
            "Exact numbers are ranked with estimates from any number of draws; a log evidence that is estimated from "
            "few draws is too low on average."
        )
    if main is not None and not groups:
        notes.append(f"Nothing is ranked: {main.metric} was not measured on validation data.")
    done = [row for row in rows if row.completed]
    if done and all(row.completed == 1 for row in done):
        notes.append("One run each: there is no spread over seeds.")
    if mixed := [row.name for row in rows if any(cell.basis is None for cell in row.cells.values())]:
        notes.append(f"Runs of one row that were measured in different ways, and are not ranked: {', '.join(mixed)}.")
    broken = [row.name for row in rows if any(cell.not_finite for cell in row.cells.values())]
    if broken:
        notes.append(f"With numbers that are not finite, left out of means and not ranked: {', '.join(broken)}.")
    codes = dict.fromkeys(run.commit for row in rows for run in row.runs if run.commit)
    if len(codes) > 1:
        notes.append(f"The runs are of {len(codes)} states of the code: {', '.join(codes)}.")
    return notes
