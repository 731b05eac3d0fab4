"""Of what the numbers are: the configurations, and every run with how it ended."""

from __future__ import annotations

__all__ = ["configuration", "runs_table"]

import os
from pathlib import Path

from lvm_experiments.reports.collect import beyond_sweep
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html.markup import Html, element, joined, scrolling
from lvm_experiments.reports.rows import spoken, text
from lvm_experiments.reports.run import Run

_LISTED = 12  # runs that are named for a value of a configuration key


def configuration(comparison: Comparison) -> Html:
    """What was swept, what all runs share, and what differs besides."""
    collection = comparison.collection
    swept = {key: [text(run.point.get(key)) for run in collection.runs] for key in collection.keys}
    swept["seed"] = [str(run.seed) for run in collection.runs if run.seed is not None]
    items = [(element("dt", key), element("dd", ", ".join(dict.fromkeys(values)))) for key, values in swept.items()]
    parts = [element("h3", "Swept"), element("dl", items)]
    if collection.fixed:
        words = [element("code", word) for word in collection.fixed]
        parts += [element("h3", "The same in all"), element("p", words, class_="words")]
    others = beyond_sweep(collection)
    if others:
        head = [element("th", word, scope="col") for word in ("key", "value", "runs", "which")]
        lines = [_differing(key, value, runs) for key, found in others.items() for value, runs in found]
        table = element("table", element("thead", element("tr", head)), element("tbody", lines))
        parts += [element("h3", "Different besides"), scrolling(table, "configuration differences")]
    elif len(collection.runs) > 1:
        parts.append(element("p", "Nothing else differs but where files are and what is told to whom.", class_="note"))
    return joined(parts)


def _differing(key: str, value: str, runs: list[str]) -> Html:
    told = ", ".join(runs[:_LISTED]) + (f" and {len(runs) - _LISTED} more" if len(runs) > _LISTED else "")
    cells = (element("td", value), element("td", str(len(runs)), class_="n"), element("td", told))
    return element("tr", element("th", key, scope="row"), cells)


def runs_table(comparison: Comparison, out: Path) -> Html:
    """A row per run: its point, how it ended and why.

    Arguments:
        comparison: The comparison.
        out: The folder of the report, which links are relative to.
    """
    collection = comparison.collection
    names = spoken(collection.keys)
    words = ["run", *(names[key] for key in collection.keys), "seed", "state", "best epoch", "time", "reason"]
    numeric = {"seed", "best epoch", "time"}
    header = [element("th", word, scope="col", class_="n" if word in numeric else None) for word in words]
    lines = [_run(comparison, run, out) for run in collection.runs]
    table = element("table", element("thead", element("tr", header)), element("tbody", lines), class_="sortable")
    return scrolling(table, "table of runs")


def _run(comparison: Comparison, run: Run, out: Path) -> Html:
    epoch = run.best_epoch
    link = Path(os.path.relpath(run.folder.path, out)).as_posix() + "/"
    trace = (
        element("a", "traceback", href=f"{link}traceback.txt")
        if run.state == "failed" and run.folder.traceback.exists()
        else None
    )
    reason = [run.reason, " " if run.reason and trace else None, trace]
    return element(
        "tr",
        element("th", element("a", run.name, href=link), scope="row"),
        [element("td", text(run.point.get(key))) for key in comparison.keys],
        element("td", "" if run.seed is None else str(run.seed), class_="n"),
        element("td", element("span", run.state, class_=f"badge state-{run.state}")),
        element("td", "" if epoch is None else str(epoch), class_="n"),
        element("td", _time(run.seconds), class_="n", data_value=run.seconds),
        element("td", reason),
    )


def _time(seconds: float | None) -> str:
    """A duration to be read.

    Example:
        >>> [_time(s) for s in (None, 4.31, 75, 7384)]
        ['', '4.3 s', '1 min 15 s', '2 h 3 min']
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
