"""A figure of axes under a title, and many small ones for the columns of a table."""

from __future__ import annotations

__all__ = ["COLUMNS", "chart", "column_name", "shared_labels", "small_multiples"]

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lvm_experiments.plots.layout import Grid
from lvm_experiments.plots.style import MARGIN, new_figure, titled
from lvm_experiments.spec import DataSpec

COLUMNS = 12  # columns of a table that are shown
_ACROSS = 4


def chart(width: float, height: float, title: str, subtitle: str, *, foot: float = 0.0) -> Figure:
    """A figure with a title, whose axes will share the room below it.

    Arguments:
        width: Inches.
        height: Inches below the title.
        title: In a large type.
        subtitle: Below it, broken into lines as needed.
        foot: Inches of the height that are left free below the axes.
    """
    figure = new_figure(width, height)
    figure.set_layout_engine(Grid((MARGIN, MARGIN + foot, width - MARGIN, height)))
    titled(figure, width, height, title, subtitle)
    return figure


def shared_labels(figure: Figure, below: str = "", left: str = "") -> None:
    """Labels of all axes of a chart, in the middle of the room they share.

    Arguments:
        figure: A chart.
        below: Of the horizontal axes.
        left: Of the vertical axes.
    """
    engine = figure.get_layout_engine()
    assert isinstance(engine, Grid)
    if below:
        engine.below = figure.text(0, 0, below, ha="center", va="bottom")
    if left:
        engine.left = figure.text(0, 0, left, ha="left", va="center", rotation=90)


def small_multiples(spec: DataSpec, title: str, subtitle: str, *, foot: float = 0.0) -> tuple[Figure, list[Axes]]:
    """Axes for the first `COLUMNS` columns of a table, each with its name.

    Arguments:
        spec: What is known of the table.
        title: Of the figure.
        subtitle: Of the figure; where columns are left out, it says so.
        foot: Inches left free below the axes.
    """
    shown = min(spec.dims, COLUMNS)
    if shown < spec.dims:
        subtitle += f" · the first {shown} of {spec.dims} dimensions"
    down = -(-shown // _ACROSS)
    across = -(-shown // down)  # rows of about the same length
    figure = chart(max(1.65 * across, 3.3), 1.55 * down + foot, title, subtitle, foot=foot)
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
