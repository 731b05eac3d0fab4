"""A normal prior whose means and scales are learned."""

from __future__ import annotations

__all__ = ["DiagonalNormalPrior"]

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec


class DiagonalNormalPrior(Prior):
    r"""$p(z) = \mathcal{N}(\mu, \mathrm{diag}(\sigma^2))$ with $\mu$ and $\log \sigma$ learned, whatever the condition.

    It starts at $\mathcal{N}(0, I)$. A decoder whose first layer is linear can do the same to a standard normal
    prior; this one tells the scales of the dimensions apart.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.

    Example:
        >>> prior = DiagonalNormalPrior((2,), DataSpec("binary", (4,)))
        >>> prior().sample((3,)).shape
        torch.Size([3, 2])
    """

    domain = "real"

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.loc = nn.Parameter(torch.zeros(event_shape))
        self.log_scale = nn.Parameter(torch.zeros(event_shape))

    def forward(self, condition: Tensor | None = None) -> DiagonalNormal:
        return DiagonalNormal(self.loc, self.log_scale)
