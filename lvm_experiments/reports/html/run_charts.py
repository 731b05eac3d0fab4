"""The charts of single runs: a line for each."""

from __future__ import annotations

__all__ = ["learning_curves", "parallel_coordinates"]

import math
from collections.abc import Sequence

from lvm_experiments.evaluation.metrics import METRICS
from lvm_experiments.reports.answer import plus_minus, title
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html.chart import Plane, better, figure, path
from lvm_experiments.reports.html.markup import Html, element
from lvm_experiments.reports.html.scale import Scale
from lvm_experiments.reports.html.series import Layout, marker
from lvm_experiments.reports.rows import Column, spoken, text

_POINTS = 120  # of a learning curve
_LETTERS = 24  # of a word on an axis
_SETTLING = 0.1  # the share of training whose numbers do not stretch the axis of learning curves


def parallel_coordinates(comparison: Comparison, layout: Layout, space: str) -> Html | None:
    """An axis per swept key and metric, a line per run."""
    runs = [(row, run) for row in comparison.rows if row.space == space for run in row.runs if run.completed]
    columns = [c for c in comparison.columns if c.metric != "effective_samples"]
    columns = [c for c in columns if any(f"{comparison.split}/{c.metric}" in run.numbers for _, run in runs)][:7]
    if len(runs) < 2 or not columns:
        return None
    keys = [key for key in comparison.keys if len({text(row.point.get(key)) for row, _ in runs}) > 1]
    width, top, bottom = max(130 * (len(keys) + len(columns)), 520), 58, 262
    names = spoken(comparison.keys)
    axes: list[tuple[str, str, Scale, list[float | None]]] = []
    for key in keys:
        values = [row.point.get(key) for row, _ in runs]
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            scale = Scale.through([float(v) for v in values], bottom, top)  # type: ignore[arg-type]
            axes.append((names[key], "", scale, [float(v) for v in values]))  # type: ignore[arg-type]
        else:
            words = list(dict.fromkeys(text(value) for value in values))
            scale = Scale.of_words(words, bottom, top)
            axes.append((names[key], "", scale, [float(words.index(text(value))) for value in values]))
    for column in columns:
        found = [run.numbers.get(f"{comparison.split}/{column.metric}") for _, run in runs]
        finite: list[float | None] = [
            one.value if one is not None and math.isfinite(one.value) else None for one in found
        ]
        known = [value for value in finite if value is not None]
        if known:
            unit = "" if column.unit == "units" else column.unit
            axes.append(
                (title(column.metric), _directed(unit, column), Scale.linear(known, bottom, top, margin=0), finite)
            )
    # Labels stand left of their axis, those of the first one at the edge.
    written = max(6.6 * max(len(label[:_LETTERS]) for label in axes[0][2].labels), 3.8 * len(axes[0][0]))
    left, right = 16 + written, width - 60
    step = (right - left) / max(len(axes) - 1, 1)
    drawn: list[Html] = []
    for place, (name, unit, scale, _) in enumerate(axes):
        x = left + place * step
        drawn.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="axis"))
        drawn.append(element("text", name, x=x, y=22, class_="label middle"))
        drawn.append(element("text", unit, x=x, y=38, class_="tick middle") if unit else Html(""))
        for value, label in zip(scale.ticks, scale.labels, strict=True):
            y = scale(value)
            drawn.append(element("line", x1=x - 3, x2=x + 3, y1=y, y2=y, class_="axis"))
            drawn.append(element("text", label[:_LETTERS], x=x - 6, y=y + 4, class_="tick end halo"))
    lines = []
    for number, (row, run) in enumerate(runs):
        series = layout.series(row)
        parts = _pieces(
            [None if (v := a[3][number]) is None else (left + i * step, a[2](v)) for i, a in enumerate(axes)]
        )
        d = "".join(path(part) for part in parts if len(part) > 1)
        if d:
            tip = run.name + "".join(
                f"\n{title(c.metric)} {plus_minus(run.numbers[f'{comparison.split}/{c.metric}'].value, None)} {c.unit}"
                for c in columns
                if f"{comparison.split}/{c.metric}" in run.numbers
            )
            lines.append(
                element("path", d=d, class_=f"line run {series.classes}", data_series=series.number, data_tip=tip)
            )
    told = f"parallel coordinates of {len(lines)} runs, {space}: {', '.join(name for name, *_ in axes)}"
    return figure(space, told, [lines, drawn], width=width, height=280, wide=True)


def learning_curves(comparison: Comparison, layout: Layout, space: str) -> Html | None:
    """The monitored validation metric by epoch, a line per run, a mark at its best epoch."""
    runs = [(row, run) for row in comparison.rows if row.space == space for run in row.runs]
    with_history = [(row, run) for row, run in runs if len(run.history.get(run.monitor, ())) > 1]
    monitors = list(dict.fromkeys(run.monitor for _, run in with_history))
    if not monitors:
        return None
    metric = monitors[0]
    shown = [(row, run) for row, run in with_history if run.monitor == metric]
    histories = [run.history[metric] for _, run in shown]
    settled = [value for pairs in histories for value in _settled(pairs)]
    number = comparison.spaces.index(space) if space in comparison.spaces else "none"
    column = _declared(metric.rpartition("/")[2])
    unit = f" ({column.unit})" if column else ""
    plane = Plane(
        Scale.linear([epoch for pairs in histories for epoch, _ in pairs], *Plane.across(), margin=0, whole=True),
        Scale.linear(settled, *Plane.down()),
        "epoch",
        f"validation {title(metric.rpartition('/')[2])}{unit}{better(column)}",
        f"curves-{number}",
    )
    lines, points = [], []
    for row, run in shown:
        series = layout.series(row)
        pairs = _thinned(run.history[metric])
        d = path([(plane.x(epoch), plane.y(value)) for epoch, value in pairs])
        tip = f"{run.name}\n{run.state}, {len(run.history[metric])} epochs"
        best = run.best_epoch
        if best is not None:
            value = dict(run.history[metric]).get(float(best), math.nan)
            tip += f"\nbest {plus_minus(value, None)} in epoch {best}"
            points.append(
                marker(series, plane.x(best), plane.y(value), size=3, data_series=series.number, data_tip=tip)
            )
        lines.append(element("path", d=d, class_=f"line run {series.classes}", data_series=series.number, data_tip=tip))
    return figure(
        space or "not measured yet", f"learning curves of {len(shown)} runs, {space}", plane.draw(lines, points)
    )


def _declared(metric: str) -> Column | None:
    """A metric as a column, though the final numbers may not have it."""
    known = METRICS.get(metric)
    return Column(known.name, known.unit, known.higher_is_better) if known else None


def _directed(unit: str, column: Column) -> str:
    arrow = {None: "", True: " ↑", False: " ↓"}[column.higher_is_better]
    return f"{unit}{arrow}".strip()


def _settled(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """Values after the beginning, which is on another scale; two at least."""
    skip = min(math.ceil(len(pairs) * _SETTLING), len(pairs) - 2)
    return [value for _, value in pairs[skip:]]


def _thinned(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(pairs) <= _POINTS:
        return list(pairs)
    step = (len(pairs) - 1) / (_POINTS - 1)
    return [pairs[round(i * step)] for i in range(_POINTS)]


def _pieces(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Points in pieces between those that are missing."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            pieces.append([])
        else:
            pieces[-1].append(point)
    return pieces
