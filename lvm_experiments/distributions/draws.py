"""Drawing from a distribution together with its log density."""

from __future__ import annotations

__all__ = ["draw_from", "representative"]

from collections.abc import Callable

import torch
from torch import Size, Tensor
from torch.distributions import Distribution


def draw_from(q: Distribution, shape: tuple[int, ...], *, differentiable: bool = True) -> tuple[Tensor, Tensor | None]:
    """Draws z, and log q(z) where the draw brings it along (flows know it only then).

    Arguments:
        q: The distribution.
        shape: The sample axes to add.
        differentiable: By reparameterisation, where q has one; else a draw that gradients do not pass.

    Returns:
        z of shape `(*shape, *batch, *event)`, and log q of shape `(*shape, *batch)` or None.
    """
    if hasattr(q, "rsample_and_log_prob"):
        # In evaluation as well: some know the density of their own draws only.
        with torch.set_grad_enabled(differentiable and torch.is_grad_enabled()):
            return q.rsample_and_log_prob(Size(shape))
    if differentiable and q.has_rsample:
        return q.rsample(Size(shape)), None
    return q.sample(Size(shape)), None


def representative(q: Distribution, mean: Callable[[], Tensor]) -> Tensor:
    """One point that stands for q: its own `representative` (the mode of categories), else its mean.

    Arguments:
        q: The distribution.
        mean: Its mean, computed only where it is used.
    """
    point = getattr(q, "representative", None)
    return mean() if point is None else point
