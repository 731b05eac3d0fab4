"""What does a latent dimension stand for?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from lvm_experiments.plots.chart import chart, column_name
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.latents import (
    are_real,
    flatten,
    latent_names,
    prior_moments,
    unflatten,
)
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.tiles import columns_for, pixels, tile, zoom_for

TITLE = "Latent traversals"
DESCRIPTION = "E[x|z] of one example while one latent dimension walks over the prior's range."

_REACH = 3.0  # standard deviations of the prior, to either side
_WALKS, _TABLE_WALKS = 10, 6  # dimensions that are walked along, the most active ones
_ROWS = 20  # columns of a table that are shown


def draw(context: Illustration) -> Figure | None:
    """The first example's posterior mean, with one coordinate after the other replaced."""
    if not are_real(context.model):
        return None
    return _images(context) if context.is_image else _table(context)


def _walk(context: Illustration, dimensions: list[int], steps: Tensor) -> Tensor:
    """E[x|z] in the data's own values, shape `(len(dimensions), len(steps), *shape)`."""
    first = {name: z[:1] for name, z in context.latents.items()}
    condition = context.conditions(1)
    middle, deviation = prior_moments(context.model, condition)
    z = flatten(first).repeat(len(dimensions), len(steps), 1)
    for row, d in enumerate(dimensions):
        z[row, :, d] = middle[d] + deviation[d] * steps.to(z)
    vectors = z.flatten(0, 1)
    if condition is not None:
        condition = condition.expand(len(vectors), -1)
    x = context.model.decode(unflatten(vectors, first), condition)
    return context.original(x, mean=True).unflatten(0, (len(dimensions), len(steps)))


def _labels(context: Illustration, dimensions: list[int]) -> list[str]:
    names = latent_names(context.latents)
    return [names[d] for d in dimensions]


def _images(context: Illustration) -> Figure:
    spec = context.source
    columns = columns_for(spec, 13, width=1150)
    columns -= 1 - columns % 2  # 0 stands in the middle
    steps = torch.linspace(-_REACH, _REACH, columns)
    dimensions = context.by_activity[:_WALKS]
    walks = _walk(context, dimensions, steps).flatten(0, 1)
    tiles = tile(pixels(walks, spec, context.raw), columns, zoom_for(spec))
    words = [f"{step:+.1f}".replace("+0.0", "0").removesuffix(".0") for step in steps]
    label = "z in standard deviations of the prior"
    walked = Panel(tiles, rows=_labels(context, dimensions), columns=words, below=label)
    first = {name: z[:1] for name, z in context.latents.items()}
    own = context.original(context.model.decode(first, context.conditions(1)), mean=True)
    pair = np.concatenate([pixels(x, spec, context.raw) for x in (context.raw[:1], own)])
    example = Panel(tile(pair, 1, zoom_for(spec)), rows=["data", "at its own z"])
    facts = (f"E[x|z] around {context.split} example {_number(context)}", _order(context))
    return page([example, walked], TITLE, context.subtitle(*facts, context.space))


def _number(context: Illustration) -> int:
    index = context.examples.index
    return 0 if index is None else int(index[0])


def _order(context: Illustration) -> str:
    shown, total = min(_WALKS if context.is_image else _TABLE_WALKS, len(context.by_activity)), len(context.by_activity)
    if total == 1:
        return "its one latent dimension"
    which = "all" if shown == total else f"the {shown} most active of"
    return f"{which} {total} latent dimensions, the most active first"


def _table(context: Illustration) -> Figure:
    steps = torch.linspace(-_REACH, _REACH, 25)
    dimensions = context.by_activity[:_TABLE_WALKS]
    walks = _walk(context, dimensions, steps).flatten(2).double().numpy()
    data = context.raw.flatten(1).double().numpy()
    deviation = np.nanstd(data, 0)
    unit = np.where(deviation > 0, deviation, 1)
    shown = min(context.source.dims, _ROWS)
    values = ((walks - np.nanmean(data, 0)) / unit)[..., :shown]
    facts = [f"around {context.split} example {_number(context)}", _order(context), context.space]
    if shown < context.source.dims:
        facts.append(f"the first {shown} of {context.source.dims} observed dimensions")
    figure = chart(max(3.6, 1.2 + 1.15 * len(dimensions)), 1.0 + 0.16 * shown, TITLE, context.subtitle(*facts))
    axes = figure.subplots(1, len(dimensions), sharey=True, squeeze=False)[0]
    top = max(1.0, float(np.abs(values).max()))
    extent = (-_REACH, _REACH, shown - 0.5, -0.5)
    shared = {"cmap": "PuOr_r", "vmin": -top, "vmax": top, "aspect": "auto", "extent": extent}
    picture = None
    for one, name, walk in zip(axes, _labels(context, dimensions), values, strict=True):
        picture = one.imshow(walk.T, interpolation="nearest", **shared)
        one.set_title(name, pad=3)
        one.set_xticks([-3, 0, 3])
        one.tick_params(length=0, axis="y")
        for spine in one.spines.values():
            spine.set_visible(False)
    axes[0].set_yticks(range(shown), [column_name(d) for d in range(shown)])
    figure.supxlabel("z in standard deviations of the prior", fontsize="medium")
    assert picture is not None
    bar = figure.colorbar(picture, ax=list(axes), pad=0.02)
    bar.set_label("E[x|z] from the data's mean,\nin the data's standard deviations")
    bar.outline.set_visible(False)
    return figure
