"""The table of results, as it stands in the report."""

from __future__ import annotations

__all__ = ["results_table"]

from lvm_experiments.reports.answer import error_of, title
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.comparison_table import difference_cell, number
from lvm_experiments.reports.html.markup import Html, element, joined, scrolling
from lvm_experiments.reports.rows import Row, spoken, text


def results_table(comparison: Comparison) -> Html:
    """Rows are the swept values, columns the metrics."""
    several, main = len(comparison.spaces) > 1, comparison.main
    names = spoken(comparison.keys)
    differs = any(row.differences for row in comparison.rows)
    header = [element("th", names[key], scope="col") for key in comparison.keys]
    header += [element("th", "space", scope="col")] if several else []
    header += [element("th", word, scope="col", class_="n") for word in ("n", "failed")]
    for column in comparison.columns:
        unit = None if column.unit == "units" else element("small", column.unit)
        arrow = {None: "", True: " ↑", False: " ↓"}[column.higher_is_better]
        way = {None: None, True: "higher is better", False: "lower is better"}[column.higher_is_better]
        header.append(element("th", title(column.metric) + arrow, unit, scope="col", class_="n", title=way))
        if differs and column is main:
            header.append(element("th", "difference", element("small", "paired"), scope="col", class_="n"))
    lines = [
        _line(comparison, place, row, several=several, differs=differs) for place, row in enumerate(comparison.rows)
    ]
    caption = f"Means over runs ± standard deviation, on {comparison.split} data. n: completed runs."
    if any(column.best for column in comparison.columns):
        caption += " ★ best of its space on validation data."
    if differs:
        caption += (
            " Differences are to the best row of the same space or to the one asked for, ± paired standard error."
        )
    table = element(
        "table",
        element("thead", element("tr", header)),
        element("tbody", lines),
        class_="sortable",
    )
    # Not a caption element, which would be as wide as the table and scroll with it.
    return joined(element("p", caption, class_="note"), scrolling(table, "table of results"))


def _line(comparison: Comparison, place: int, row: Row, *, several: bool, differs: bool) -> Html:
    first, *others = [text(row.point.get(key)) for key in comparison.keys] or [row.name]
    cells = [element("th", first, scope="row")] if comparison.keys else []
    cells += [element("td", value) for value in others] if comparison.keys else []
    cells += [element("td", row.space or "—")] if several else []
    cells += [element("td", str(row.completed), class_="n"), element("td", str(row.failed or ""), class_="n")]
    for column in comparison.columns:
        cell = comparison.cell(row, column.metric)
        best = place in column.best
        written = _with_minus(number(cell.mean, cell.deviation)) if cell.n else "not finite" if cell.not_finite else ""
        if cell.n and cell.not_finite:
            written += f" ({cell.not_finite} not finite)"
        mark = element(
            "span", "★", class_="star", title="best of its space", role="img", aria_label="best of its space"
        )
        value = repr(cell.mean) if cell.n else None
        cells.append(element("td", mark if best else None, written, class_="n best" if best else "n", data_value=value))
        if differs and column is comparison.main:
            one = row.differences.get(column.metric)
            tip = f"{row.name} against {row.reference}: {error_of(one)}" if one else None
            told = _with_minus(difference_cell(row, column.metric)) if one else "—" if cell.n else ""
            cells.append(element("td", told, class_="n", title=tip, data_value=repr(one.value) if one else None))
    new = place and comparison.rows[place - 1].space != row.space
    return element("tr", cells, class_="new-space" if new else None)


def _with_minus(written: str) -> str:
    return written.replace("-", "\N{MINUS SIGN}")
