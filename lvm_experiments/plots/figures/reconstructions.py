"""What is left of an example after going through the latent space?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lvm_experiments.plots.chart import shared_labels, small_multiples
from lvm_experiments.plots.illustration import PICTURES, Illustration
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.style import INK, MODEL, minus
from lvm_experiments.plots.tiles import columns_for, pixels, tile, zoom_for

TITLE = "Reconstructions"
DESCRIPTION = "Data and the mean of x at the posterior mean of z, in the data's own values."

_FEW = 40  # levels at which points would hide each other


def draw(context: Illustration) -> Figure | None:
    """Images: rows of data above rows of reconstructions. Tables: one against the other. None for words."""
    if not context.has_means:
        return None
    return _images(context) if context.is_image else _table(context)


def _images(context: Illustration) -> Figure:
    spec, mask = context.source, context.examples.mask
    assert context.seen.x is not None
    seen = context.original(context.seen.x)
    rows = {f"{context.split} data": context.raw, "as observed": seen, "reconstruction": context.reconstructed}
    if torch.equal(seen, context.raw.to(seen.dtype)):  # the map's noise leaves no trace
        del rows["as observed"]
    n = min(PICTURES, len(context.raw))
    columns = min(columns_for(spec, 16), n)
    n -= n % columns  # whole rows
    missing = None if mask is None else mask[:n].cpu()
    series = [
        pixels(x[:n], spec, context.raw, None if name == "reconstruction" else missing) for name, x in rows.items()
    ]
    bands = n // columns
    # (kind, band, column) to (band, kind, column): each kind of row below the other, band by band.
    ordered = np.stack(series).reshape(len(rows), bands, columns, *series[0].shape[1:])
    pictures = ordered.swapaxes(0, 1).reshape(-1, *series[0].shape[1:])
    tiles = tile(pictures, columns, zoom_for(spec), band=len(rows))
    facts = ("E[x|z] at the posterior mean of z", context.space)
    return page([Panel(tiles, rows=list(rows) * bands)], TITLE, context.subtitle(*facts))


def _table(context: Illustration) -> Figure:
    data = context.table
    guess = context.reconstructed.flatten(1).double().numpy()
    facts = (f"{context.split} data", "E[x|z], of categories the mode, at the posterior mean of z", context.space)
    figure, axes = small_multiples(context.source, TITLE, context.subtitle(*facts))
    generator = np.random.default_rng(context.seed)
    for number, one in enumerate(axes):
        known = np.isfinite(data[:, number])
        x, y = data[known, number], guess[known, number]
        if not len(x):
            one.set_title(f"{one.get_title()}   unknown", pad=3)
            continue
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        one.plot(ends, ends, color=INK, linewidth=0.6, zorder=1)
        one.xaxis.set_major_locator(MaxNLocator(3))
        one.yaxis.set_major_locator(MaxNLocator(3))
        if 0 < context.source.levels <= _FEW:
            x = x + generator.uniform(-0.2, 0.2, x.shape)
            one.set(xlim=(-0.4, context.source.levels - 0.6), ylim=(-0.4, context.source.levels - 0.6))
            if np.array_equal(y, y.round()):
                y = y + generator.uniform(-0.2, 0.2, y.shape)
        one.scatter(x, y, s=4, alpha=0.4, color=MODEL, linewidths=0, zorder=2)
        one.set_title(f"{one.get_title()}   {_explained(data[known, number], guess[known, number])}", pad=3)
        one.set_box_aspect(1)
    shared_labels(figure, below="data", left="reconstruction")
    return figure


def _explained(x: np.ndarray, y: np.ndarray) -> str:
    """The share of the variance that is explained, in words; none where nothing varies."""
    total = ((x - x.mean()) ** 2).sum()
    if total == 0:
        return "constant"
    return "$R^2$ = " + minus(f"{1 - ((x - y) ** 2).sum() / total:.2f}")
