"""What does a latent dimension stand for?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import numpy as np
import torch
from matplotlib import cm
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from lvm_experiments.plots.chart import chart, column_name, shared_labels
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.latents import (
    are_real,
    flatten,
    latent_names,
    prior_moments,
    unflatten,
)
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.style import minus
from lvm_experiments.plots.tiles import columns_for, pixels, tile, zoom_for

TITLE = "Latent traversals"
DESCRIPTION = "E[x|z] of one example while one latent dimension walks over the prior's range."

_REACH = 3.0  # standard deviations of the prior, to either side
_WALKS, _TABLE_WALKS = 10, 6  # dimensions that are walked along, the most active ones
_ROWS = 20  # columns of a table that are shown


def draw(context: Illustration) -> Figure | None:
    """The first example's posterior mean, with one coordinate after the other replaced."""
    if not are_real(context.model) or not context.has_means:
        return None
    return _images(context) if context.is_image else _table(context)


def _walk(context: Illustration, dimensions: list[int], steps: Tensor) -> tuple[Tensor, Tensor]:
    """Walks along some latent dimensions, in standard deviations of the prior.

    Returns:
        E[x|z] in the data's own values, shape `(len(dimensions), len(steps), *shape)`, and where
        the example itself stands on each walk, shape `(len(dimensions),)`.
    """
    first = {name: z[:1] for name, z in context.latents.items()}
    condition = context.conditions(1)
    middle, deviation = prior_moments(context.model, condition, first)
    z = flatten(first).repeat(len(dimensions), len(steps), 1)
    for row, d in enumerate(dimensions):
        z[row, :, d] = middle[d] + deviation[d] * steps.to(z)
    vectors = z.flatten(0, 1)
    if condition is not None:
        condition = condition.expand(len(vectors), -1)
    x = context.model.decode(unflatten(vectors, first), condition)
    own = ((flatten(first)[0] - middle) / deviation)[dimensions]
    return context.original(x, mean=True).unflatten(0, (len(dimensions), len(steps))), own.cpu()


def _facts(context: Illustration, most: int) -> tuple[str, str]:
    index = context.examples.index
    number = 0 if index is None else int(index[0])
    total = len(context.by_activity)
    which = f"{min(most, total)} of {total} latent dimensions, most active first" if total > 1 else ""
    return f"E[x|z] around {context.split} example {number}", which


def _images(context: Illustration) -> Figure:
    spec = context.source
    columns = columns_for(spec, 13, width=1150)
    columns -= 1 - columns % 2  # 0 stands in the middle
    steps = torch.linspace(-_REACH, _REACH, columns)
    dimensions = context.by_activity[:_WALKS]
    walks, own = _walk(context, dimensions, steps)
    nearest = (own[:, None] - steps).abs().argmin(1).tolist()
    marked = [row * columns + column for row, column in enumerate(nearest)]
    images = pixels(walks.flatten(0, 1), spec, context.raw)
    names = latent_names(context.latents)
    walked = Panel(
        tile(images, columns, zoom_for(spec), marked=marked),
        rows=[names[d] for d in dimensions],
        columns=[minus(f"{step:.1f}".removesuffix(".0")) for step in steps],
        below="z in standard deviations of the prior",
    )
    first = {name: z[:1] for name, z in context.latents.items()}
    mean = context.original(context.model.decode(first, context.conditions(1)), mean=True)
    pair = np.concatenate([pixels(x, spec, context.raw) for x in (context.raw[:1], mean)])
    example = Panel(tile(pair, 1, zoom_for(spec)), rows=["data", "reconstruction"])
    facts = (*_facts(context, _WALKS), "framed: nearest to the example's own z", context.space)
    return page([example, walked], TITLE, context.subtitle(*facts))


def _table(context: Illustration) -> Figure:
    steps = torch.linspace(-_REACH, _REACH, 25)
    dimensions = context.by_activity[:_TABLE_WALKS]
    walks = _walk(context, dimensions, steps)[0].flatten(2).double().numpy()
    shown = min(context.source.dims, _ROWS)
    columns = [column[np.isfinite(column)] for column in context.table.T[:shown]]
    middle = np.array([column.mean() if len(column) else 0.0 for column in columns])
    unit = np.array([column.std() if len(column) and np.ptp(column) > 0 else 1.0 for column in columns])
    values = (walks[..., :shown] - middle) / unit
    facts = [*_facts(context, _TABLE_WALKS), context.space]
    if shown < context.source.dims:
        facts.append(f"the first {shown} of {context.source.dims} observed dimensions")
    width, height = max(4.0, 1.2 + 1.15 * len(dimensions)), max(2.2, 0.9 + 0.16 * shown)
    figure = chart(width, height, TITLE, context.subtitle(*facts))
    panels = list(figure.subplots(1, len(dimensions), sharey=True, squeeze=False)[0])
    top = max(1.0, float(np.abs(values).max()))
    scale = cm.ScalarMappable(Normalize(-top, top), "PuOr_r")
    names = latent_names(context.latents)
    for one, d, walk in zip(panels, dimensions, values, strict=True):
        extent = (-_REACH, _REACH, shown - 0.5, -0.5)
        one.imshow(walk.T, cmap=scale.cmap, norm=scale.norm, aspect="auto", extent=extent, interpolation="nearest")
        one.set_title(names[d], pad=3)
        one.set_xticks([-_REACH, 0, _REACH], [minus(f"-{_REACH:g}"), "0", f"{_REACH:g}"])
        one.tick_params(length=0, axis="y")
        one.spines[:].set_visible(False)
    panels[0].set_yticks(range(shown), [column_name(d) for d in range(shown)])
    shared_labels(figure, below="z in standard deviations of the prior")
    bar = figure.colorbar(scale, cax=panels[-1].inset_axes((1.1, 0, 0.1, 1)))
    bar.set_label("E[x|z] $-$ mean of the data\n(standard deviations)")
    bar.outline.set_visible(False)
    return figure
