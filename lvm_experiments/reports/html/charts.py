"""The charts of rows: means over seeds."""

from __future__ import annotations

__all__ = ["across_dimension", "rate_distortion"]

import math
from collections.abc import Sequence

from lvm_experiments.reports.answer import plus_minus, title
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html.chart import HEIGHT, Plane, better, figure, path
from lvm_experiments.reports.html.markup import Html, element
from lvm_experiments.reports.html.scale import Scale, round_numbers
from lvm_experiments.reports.html.series import Layout, marker
from lvm_experiments.reports.rows import Column, Row


def across_dimension(comparison: Comparison, layout: Layout, column: Column, space: str | None) -> Html | None:
    """A metric along the swept dimension, a line per series with a band of one standard deviation over seeds.

    Arguments:
        comparison: The comparison.
        layout: What is along the axis and what makes lines.
        column: The metric.
        space: The observation space; None: every one, for what is measured in the same unit in all.
    """
    rows = [r for r in comparison.rows if space in (None, r.space) and comparison.cell(r, column.metric).n]
    if not rows:
        return None
    cells = [comparison.cell(row, column.metric) for row in rows]
    ends = [cell.mean + side * (cell.deviation or 0) for cell in cells for side in (-1, 1)]
    values = [value for cell in cells for value in cell.values]
    name = f"{column.metric}-{'all' if space is None else comparison.spaces.index(space)}"
    plane = Plane(
        _horizontal(layout, rows),
        Scale.linear([*ends, *values], *Plane.down()),
        layout.label,
        _axis(comparison, column),
        name,
    )
    bands, lines, points = [], [], []
    for series in layout.all:
        own = [row for row in rows if layout.series(row) == series]
        if layout.numeric:
            own.sort(key=layout.x)
        places = [(plane.x(layout.x(r)), comparison.cell(r, column.metric)) for r in own]
        spread = [(x, cell.mean, cell.deviation) for x, cell in places if cell.deviation is not None]
        if layout.connected and len(spread) > 1:
            edge = [(x, plane.y(m + d)) for x, m, d in spread] + [(x, plane.y(m - d)) for x, m, d in reversed(spread)]
            bands.append(
                element("path", d=path(edge) + "Z", class_=f"band {series.classes}", data_series=series.number)
            )
        if layout.connected and len(places) > 1:
            d = path([(x, plane.y(cell.mean)) for x, cell in places])
            lines.append(element("path", d=d, class_=f"line {series.classes}", data_series=series.number))
        shift = 0 if layout.numeric else 9 * (series.number - (len(layout.all) - 1) / 2)
        for row, (x, cell) in zip(own, places, strict=True):
            x += shift
            if cell.deviation is not None:
                y1, y2 = plane.y(cell.mean - cell.deviation), plane.y(cell.mean + cell.deviation)
                lines.append(element("line", x1=x, x2=x, y1=y1, y2=y2, class_=f"bar {series.classes}"))
            points += [
                element("circle", cx=x, cy=plane.y(v), r=1.8, class_=f"dot {series.classes}") for v in cell.values
            ]
            tip = f"{row.name}\n{title(column.metric)} {plus_minus(cell.mean, cell.deviation)} {column.unit}"
            tip += f"\n{cell.n} {'run' if cell.n == 1 else 'runs'}"
            points.append(marker(series, x, plane.y(cell.mean), data_tip=tip, data_series=series.number))
    description = f"{title(column.metric)} by {layout.label}, {space or 'all spaces'}: " + "; ".join(
        f"{row.name} {plus_minus(cell.mean, cell.deviation)}" for row, cell in zip(rows, cells, strict=True)
    )
    return figure(space or "all spaces", description, plane.draw(bands, lines, points))


def rate_distortion(comparison: Comparison, layout: Layout, space: str) -> Html | None:
    """Distortion against rate, a point per row and a dot per run; on a dashed line the ELBO is the same."""
    both = [comparison.column(name) for name in ("rate", "distortion")]
    rows = [r for r in comparison.rows if r.space == space and all(c and comparison.cell(r, c.metric).n for c in both)]
    if not rows or None in both:
        return None
    dots = {
        row.name: [
            (run.numbers[f"{comparison.split}/rate"].value, run.numbers[f"{comparison.split}/distortion"].value)
            for run in row.runs
            if run.completed and {f"{comparison.split}/rate", f"{comparison.split}/distortion"} <= run.numbers.keys()
        ]
        for row in rows
    }
    every = [pair for pairs in dots.values() for pair in pairs if all(map(math.isfinite, pair))]
    if not every:
        return None
    unit = both[0].unit if both[0] else ""
    number = comparison.spaces.index(space)
    plane = Plane(
        Scale.linear([x for x, _ in every], *Plane.across(), margin=0.1),
        Scale.linear([y for _, y in every], *Plane.down(), margin=0.1),
        f"rate KL(q‖p) ({unit})",
        f"distortion −E[log p(x|z)] ({unit})",
        f"plane-{number}",
    )
    lines = list(_equal_bound(plane))
    points: list[Html] = []
    labels: list[Html] = []
    for series in layout.all:
        own = [row for row in rows if layout.series(row) == series]
        if layout.numeric:
            own.sort(key=layout.x)
        means = [tuple(comparison.cell(row, name).mean for name in ("rate", "distortion")) for row in own]
        places = [(plane.x(x), plane.y(y)) for x, y in means]
        if layout.connected and len(places) > 1:
            lines.append(
                element("path", d=path(places), class_=f"line thin {series.classes}", data_series=series.number)
            )
        for row, (x, y), (rate, distortion) in zip(own, places, means, strict=True):
            around = [pair for pair in dots[row.name] if all(map(math.isfinite, pair))]
            points += [
                element("circle", cx=plane.x(a), cy=plane.y(b), r=2.2, class_=f"dot {series.classes}")
                for a, b in around
            ]
            tip = f"{row.name}\nrate {plus_minus(rate, comparison.cell(row, 'rate').deviation)} {unit}\n"
            tip += f"distortion {plus_minus(distortion, comparison.cell(row, 'distortion').deviation)} {unit}"
            points.append(marker(series, x, y, data_tip=tip, data_series=series.number))
            labels.append(element("text", layout.tick(row), x=x + 8, y=y - 6, class_="point"))
    told = [[f"{name} {comparison.cell(row, name).mean:.4g}" for name in ("rate", "distortion")] for row in rows]
    words = "; ".join(f"{row.name} {', '.join(numbers)}" for row, numbers in zip(rows, told, strict=True))
    description = f"distortion against rate, {space}: {words}"
    return figure(space, description, plane.draw(lines, points, labels))


def _axis(comparison: Comparison, column: Column) -> str:
    return f"{comparison.split} {title(column.metric)} ({column.unit}){better(column)}"


def _horizontal(layout: Layout, rows: Sequence[Row]) -> Scale:
    if layout.numeric:
        return Scale.through([layout.x(row) for row in rows], *Plane.across())
    return Scale.of_words([word[:16] for word in layout.words], *Plane.across())


def _equal_bound(plane: Plane) -> list[Html]:
    """Lines on which rate + distortion, minus the ELBO, is the same."""
    x, y = plane.x, plane.y
    found = []
    for total in round_numbers(x.low + y.low, x.high + y.high, 5):
        a, b = max(x.low, total - y.high), min(x.high, total - y.low)
        if b - a > 0.08 * (x.high - x.low):
            found.append(element("path", d=path([(x(a), y(total - a)), (x(b), y(total - b))]), class_="level"))
            label = f"ELBO {-total:g}".replace("-", "\N{MINUS SIGN}")
            found.append(
                element(
                    "text", label, x=min(x(b), x.end - 2), y=min(y(total - b), HEIGHT - 50) - 4, class_="tick end faint"
                )
            )
    return found
