"""A table of numbers in the terminal, and where the files are."""

from __future__ import annotations

__all__ = ["show_files", "show_measurements", "show_results"]

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lvm_experiments.reports.paths import shortened
from lvm_experiments.reports.significant import significant, with_error
from lvm_experiments.runs.folder import RunFolder

if TYPE_CHECKING:
    from lvm_experiments.evaluation.metrics import Measurement

_NARROW = 90  # letters of a terminal below which columns move together

Measurements = Mapping[str, Any] | Iterable["Measurement | Mapping[str, Any]"]


def show_results(measurements: Measurements, folder: RunFolder, console: Console | None = None) -> None:
    """The numbers of a run, and what lies in its folder.

    Arguments:
        measurements: As for `show_measurements`.
        folder: The run's folder; files that are not there are not named.
        console: Where to; None for the standard output.
    """
    console = console or Console()
    show_measurements(measurements, console=console)
    figures = sorted(path.stem for path in folder.figures.glob("*.png"))
    told = {
        folder.results: "these numbers",
        folder.examples: "numbers of single examples",
        folder.metrics: "the history of training",
        folder.best: "the model that was measured",
        folder.figures: ", ".join(figures),
    }
    console.print(Text(f"Files in {shortened(folder)}"), soft_wrap=True)
    names = {path.relative_to(folder.path).as_posix(): what for path, what in told.items() if path.exists()}
    width = max(map(len, names), default=0)
    for name, what in names.items():
        console.print(Text(f"  {name:<{width}}  {what}"), soft_wrap=True)


def show_measurements(
    measurements: Measurements, *, files: Iterable[str | os.PathLike[str]] = (), console: Console | None = None
) -> None:
    """Numbers with unit and errors, and how they were found; plain text where the output is no terminal.

    Arguments:
        measurements: Measurements, records of results.json, or the whole of it.
        files: Files to name below.
        console: Where to; None for the standard output.

    Example:
        >>> record = {"name": "test/nll", "value": 98.7654, "unit": "nats", "num_samples": 1000, "examples": 500}
        >>> record |= {"standard_error": 0.2345, "monte_carlo_error": 0.012, "space": "binary (dynamic)"}
        >>> record |= {"estimator": "importance sampling, K = 1000"}
        >>> show_measurements([record], console=Console(width=80, color_system=None))
        metric   value ± s.e. unit MC error    K   N
        test/nll 98.77 ± 0.23 nats ± 0.012 1000 500
        <BLANKLINE>
        nll: importance sampling
        x observed as binary (dynamic)
        ± s.e. over N examples, MC error over K draws for each
        <BLANKLINE>
    """
    console = console or Console()
    records = _records(measurements)
    if records:
        console.print(_table(records, console))
        console.print()
        for note in _notes(records, console):
            console.print(Text(note))
        console.print()
    show_files(files, console)


def show_files(files: Iterable[str | os.PathLike[str]], console: Console | None = None) -> None:
    """Paths, a line each however long, so that they can be copied.

    Arguments:
        files: Paths.
        console: Where to; None for the standard output.
    """
    console = console or Console()
    for path in files:
        console.print(Text(shortened(path)), soft_wrap=True)


def _records(measurements: Measurements) -> list[dict[str, Any]]:
    found: Iterable[Any] = measurements
    if isinstance(measurements, Mapping):
        found = measurements.get("measurements", measurements).values()
    plain = (dict(m) if isinstance(m, Mapping) else dataclasses.asdict(m) for m in found)
    # What JSON has no word for stands beside the null that it left.
    return [r | {k: float(v) for k, v in r.get("non_finite", {}).items()} for r in plain]


def _plus_minus(console: Console) -> str:
    return "+-" if console.options.ascii_only else "±"


def _table(records: list[dict[str, Any]], console: Console) -> Table:
    sign = _plus_minus(console)
    table = Table(box=None, pad_edge=False, collapse_padding=console.width < _NARROW, header_style="bold")
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column(f"{sign} s.e.", no_wrap=True)
    table.add_column("unit")
    table.add_column("MC error", no_wrap=True)
    table.add_column("K", justify="right", no_wrap=True)
    table.add_column("N", justify="right", no_wrap=True)
    for r in records:
        value, error = with_error(r["value"], r["standard_error"])
        noise = "" if r["monte_carlo_error"] is None else significant(r["monte_carlo_error"], 2)
        draws = "" if r["num_samples"] is None else str(r["num_samples"])
        errors = [f"{sign} {e}" if e else "" for e in (error, noise)]
        cells = (r["name"], value, errors[0], r["unit"], errors[1], draws, str(r["examples"]))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _notes(records: list[dict[str, Any]], console: Console) -> list[str]:
    """Which numbers were found how, each way once, and what the columns mean."""
    ways: dict[str, dict[str, None]] = {}
    for r in records:
        way = r["estimator"].replace(f", K = {r['num_samples']}", "")  # which has a column
        ways.setdefault(way, {})[r["name"].rpartition("/")[2]] = None
    spaces = ", ".join(dict.fromkeys(r["space"] for r in records))
    return [
        *(f"{', '.join(names)}: {way}" for way, names in ways.items()),
        f"x observed as {spaces}",
        f"{_plus_minus(console)} s.e. over N examples, MC error over K draws for each",
    ]
