"""What costs time at the first picture of a process, done before there is one."""

from __future__ import annotations

__all__ = ["warm"]

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke

from lvm_experiments.plots.catalogue import catalogue
from lvm_experiments.plots.chart import chart, shared_labels
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.style import CLASSES, SMALL, png, styled
from lvm_experiments.plots.tiles import tile

_FORMULAS = 10  # names of latent dimensions that are set


def warm() -> None:
    """Draws a page and a chart of nothing, so that fonts are found and read, and whatever else is kept is there.

    Processes forked from this one draw in about half the time. No tensor is made: torch would start threads, which a
    fork loses.

    Example:
        >>> warm()
    """
    catalogue()
    with styled():
        letters = "".join(map(chr, range(33, 127))) + "·−×∼"
        tiles = tile(np.zeros((_FORMULAS, 8, 8, 3), dtype=np.uint8), 1, 9)
        png(page([Panel(tiles, rows=[f"$z_{{{n}}}$" for n in range(1, _FORMULAS + 1)])], letters, letters))
        figure = chart(4.0, 3.0, letters, letters)
        axes = figure.add_subplot(xlabel="$x$", ylabel=letters)
        axes.plot([0, 1], [0, 1], "o", label="line")
        axes.scatter([0, 1], [0, 1], c=[0, 1], cmap=ListedColormap(CLASSES), alpha=0.5, linewidths=0)
        bold = {"fontsize": "large", "fontweight": "bold"}
        axes.text(0, 0, "0123456789", bold, path_effects=[withStroke(linewidth=2.5, foreground="white")])
        axes.legend(title="class")
        for formula in ("$p(z)$", r"$q(z\mid x)$", r"$p(x\mid z)$", "$N$ = 1"):
            axes.text(0, 0, formula)
        for symbol in "zx":
            axes.annotate(f"${symbol}$", (0, 0), size=SMALL + 3)
        axes.add_patch(FancyArrowPatch((0, 0), (1, 1), connectionstyle="arc3,rad=0.3", arrowstyle="-|>"))
        shared_labels(figure, below="$x$")
        png(figure)
