"""Axes of a grid, as large as what is written around them allows."""

from __future__ import annotations

__all__ = ["Grid"]

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine
from matplotlib.text import Text

from lvm_experiments.plots.style import DPI

_ACROSS, _DOWN = 0.1, 0.1  # inches between what belongs to two axes
_LABEL = 0.05  # inches between a shared label and what it belongs to


class Grid(TightLayoutEngine):
    """Places a grid of subplots by measuring each once.

    Matplotlib's own engines measure everything four times, which takes longer than drawing it.

    Arguments:
        room: Left, bottom, right and top of the room for the axes, in inches.

    Attributes:
        below: A label of all horizontal axes, put into the middle of the room they share.
        left: A label of all vertical axes.
    """

    def __init__(self, room: tuple[float, float, float, float]) -> None:
        super().__init__()
        self.room = room
        self.below: Text | None = None
        self.left: Text | None = None

    def execute(self, fig: Figure) -> None:
        renderer = fig.canvas.get_renderer()  # type: ignore[attr-defined]
        placed = [(axes, spec) for axes in fig.axes if (spec := axes.get_subplotspec()) is not None]
        rows, columns = placed[0][1].get_gridspec().get_geometry()
        lefts, rights = np.zeros(columns + 1), np.zeros(columns + 1)
        above, below = np.zeros(rows + 1), np.zeros(rows + 1)
        for axes, spec in placed:
            axes.apply_aspect()
            own, whole = axes.bbox, axes.get_tightbbox(renderer, for_layout_only=True)
            if whole is None:
                continue
            row, column = spec.rowspan.start, spec.colspan.start
            lefts[column] = max(lefts[column], own.x0 - whole.x0)
            rights[column + 1] = max(rights[column + 1], whole.x1 - own.x1)
            above[row] = max(above[row], whole.y1 - own.y1)
            below[row + 1] = max(below[row + 1], own.y0 - whole.y0)
        # Entry i of each: what is written between axes i - 1 and i; the first and the last stand at the edges.
        across, down = (lefts + rights) / DPI, (above + below) / DPI
        left, bottom, right, top = self.room
        if self.below is not None:
            bottom += self.below.get_window_extent(renderer).height / DPI + _LABEL
        if self.left is not None:
            left += self.left.get_window_extent(renderer).width / DPI + _LABEL
        left, right = left + across[0], right - across[-1]
        bottom, top = bottom + down[-1], top - down[0]
        gap = (across[1:-1].max() + _ACROSS) if columns > 1 else 0.0
        slot = (down[1:-1].max() + _DOWN) if rows > 1 else 0.0
        wide, high = (right - left - gap * (columns - 1)) / columns, (top - bottom - slot * (rows - 1)) / rows
        width, height = fig.get_size_inches()
        fig.subplots_adjust(left / width, bottom / height, right / width, top / height, gap / wide, slot / high)
        if self.below is not None:
            self.below.set_position(((left + right) / 2 / width, self.room[1] / height))
        if self.left is not None:
            self.left.set_position((self.room[0] / width, (bottom + top) / 2 / height))
