"""What lies where in a latent plane?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import torch
from matplotlib.figure import Figure

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

TITLE = "Latent manifold"
DESCRIPTION = "E[x|z] over the latent plane, at equal steps of the prior's probability (L = 2)."

_SIDE = 15  # tiles along each axis


def draw(context: Illustration) -> Figure | None:
    """A grid through the inverse normal cumulative distribution: what the prior makes likely takes most room.

    References:
        | Auto-encoding variational Bayes (Kingma & Welling, 2013), figure 4
        | https://arxiv.org/abs/1312.6114
    """
    first = {name: z[:1] for name, z in context.latents.items()}
    if not context.is_image or flatten(first).shape[1] != 2 or not are_real(context.model):
        return None
    side = columns_for(context.source, _SIDE, width=1150)
    condition = context.conditions(1)
    middle, deviation = prior_moments(context.model, condition, first)
    steps = torch.special.ndtri((torch.arange(side, dtype=torch.float64) + 0.5) / side)
    across = middle[0] + deviation[0] * steps.to(middle)
    upwards = (middle[1] + deviation[1] * steps.to(middle)).flip(0)
    rows, columns = torch.meshgrid(upwards, across, indexing="ij")
    z = torch.stack([columns.flatten(), rows.flatten()], 1)
    if condition is not None:
        condition = condition.expand(len(z), -1)
    x = context.original(context.model.decode(unflatten(z, first), condition), mean=True)
    tiles = tile(pixels(x, context.source, context.raw), side, zoom_for(context.source))
    names = latent_names(context.latents)
    panel = Panel(tiles, rows=_words(upwards), columns=_words(across), below=names[0], left=names[1])
    facts = ("E[x|z] at equal steps of the prior's probability", context.space)
    return page([panel], TITLE, context.subtitle(*facts))


def _words(values: torch.Tensor) -> list[str]:
    """Every other value, the ends included where their number is odd."""
    return [minus(f"{float(v):.2f}") if n % 2 == 0 else "" for n, v in enumerate(values)]
