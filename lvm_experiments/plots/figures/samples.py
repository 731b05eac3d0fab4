"""What does the model dream of?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import numpy as np
from matplotlib.figure import Figure

from lvm_experiments.plots.chart import shared_labels, small_multiples
from lvm_experiments.plots.illustration import EXAMPLES, PICTURES, Illustration
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.style import DATA, MODEL
from lvm_experiments.plots.tiles import columns_for, pixels, tile, zoom_for

TITLE = "Samples"
DESCRIPTION = "Means and draws of x for z from the prior; for tables, histograms beside the data's."

_FEW = 40  # levels that get a bin each
_CELLS, _LEAST = 2**21, 100  # numbers to draw in all, of which few columns are shown, and rows at the least


def draw(context: Illustration) -> Figure | None:
    """Images: means on the left, draws on the right. Tables: a histogram for each dimension. None for words."""
    if not context.has_means:
        return None
    return _images(context) if context.is_image else _table(context)


def _images(context: Illustration) -> Figure:
    spec = context.source
    columns = columns_for(spec, 8, width=710)
    panels = []
    for title, mean in (("means E[x|z]", True), ("draws from p(x|z), same z", False)):
        x = context.samples(min(PICTURES, columns**2), mean=mean)
        tiles = tile(pixels(x, spec, context.raw), columns, zoom_for(spec))
        panels.append(Panel(tiles, title=title))
    return page(panels, TITLE, context.subtitle("z from the prior", context.space))


def _table(context: Illustration) -> Figure:
    data = context.table
    drawn = context.samples(min(EXAMPLES, max(_LEAST, _CELLS // context.source.dims))).flatten(1).double().numpy()
    facts = ("z from the prior, x from p(x|z)", context.space)
    figure, axes = small_multiples(context.source, TITLE, context.subtitle(*facts), foot=0.2)
    for number, one in enumerate(axes):
        real, dream = data[np.isfinite(data[:, number]), number], drawn[:, number]
        bins = _bins(real, dream, context.source.levels)
        if len(real):
            one.hist(real, bins, density=True, color=DATA, alpha=0.45, label=f"{context.split} data")
        one.hist(dream, bins, density=True, color=MODEL, histtype="step", linewidth=1.2, label="samples")
        one.set_yticks([])
        one.spines["left"].set_visible(False)
    shared_labels(figure, left="density")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2, borderaxespad=0.2)
    return figure


def _bins(real: np.ndarray, dream: np.ndarray, levels: int) -> list[float]:
    """One for each level where they are few; else the data's range and the bulk of the samples."""
    if 0 < levels <= _FEW:
        return [level - 0.5 for level in range(levels + 1)]
    low = min([*real, np.quantile(dream, 0.005)])
    high = max([*real, np.quantile(dream, 0.995)])
    return np.linspace(low, high if high > low else low + 1, 33).tolist()
