"""A figure of axes under a title, and many small ones for the columns of a table."""

from __future__ import annotations

__all__ = ["COLUMNS", "chart", "column_name", "shared_labels", "small_multiples"]

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from lvm_experiments.plots.style import MUTED, SMALL, TITLE, new_figure, wrapped
from lvm_experiments.spec import DataSpec

COLUMNS = 12  # columns of a table that are shown
_ACROSS = 4
_MARGIN = 0.08  # inches


def chart(width: float, height: float, title: str, subtitle: str) -> Figure:
    """A figure with a title, whose axes will share the room below it.

    Arguments:
        width: Inches.
        height: Inches below the title.
        title: In a large type.
        subtitle: Below it, broken into lines as needed.
    """
    lines = wrapped(subtitle, int(width * 16.5))
    head = (1.7 * TITLE + 1.35 * SMALL * len(lines)) / 72 + _MARGIN
    whole = height + head
    figure = new_figure(width, whole, layout="constrained")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(rect=(0.01, 0.01, 0.98, height / whole - 0.01), wspace=0.06, hspace=0.06)
    left, top = _MARGIN / width, 1 - _MARGIN / whole
    figure.text(left, top, title, fontsize=TITLE, fontweight="bold", va="top")
    below = top - 1.6 * TITLE / 72 / whole
    figure.text(left, below, "\n".join(lines), fontsize=SMALL, color=MUTED, va="top")
    return figure


def shared_labels(figure: Figure, below: str = "", left: str = "") -> None:
    """Labels of all axes of a chart, in the middle of the room they share.

    Arguments:
        figure: A chart.
        below: Of the horizontal axes.
        left: Of the vertical axes.
    """
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    middle = engine.get()["rect"][3] / 2
    if below:
        figure.supxlabel(below, fontsize=SMALL)
    if left:
        figure.supylabel(left, fontsize=SMALL, y=middle)


def small_multiples(spec: DataSpec, title: str, subtitle: str) -> tuple[Figure, list[Axes]]:
    """Axes for the first `COLUMNS` columns of a table, each with its name.

    Arguments:
        spec: What is known of the table.
        title: Of the figure.
        subtitle: Of the figure; where columns are left out, it says so.
    """
    shown = min(spec.dims, COLUMNS)
    if shown < spec.dims:
        subtitle += f" · the first {shown} of {spec.dims} dimensions"
    across = min(_ACROSS, shown)
    down = -(-shown // across)
    figure = chart(max(1.65 * across, 3.3), 1.55 * down, title, subtitle)
    grid = figure.subplots(down, across, squeeze=False)
    axes: list[Axes] = list(np.ravel(grid))
    for empty in axes[shown:]:
        empty.remove()
    for number, one in enumerate(axes[:shown]):
        one.set_title(column_name(number), pad=3)
    return figure, axes[:shown]


def column_name(number: int) -> str:
    """The name of an observed dimension, numbered from 1, in mathematical type.

    Example:
        >>> column_name(0)
        '$x_{1}$'
    """
    return f"$x_{{{number + 1}}}$"
