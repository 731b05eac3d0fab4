"""The standard normal prior."""

from __future__ import annotations

__all__ = ["StandardNormalPrior"]

import torch
from torch import Tensor

from lvm_experiments.distributions import StandardNormal
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec


class StandardNormalPrior(Prior):
    r"""$p(z) = \mathcal{N}(0, I_L)$, whatever the condition.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.

    Example:
        >>> prior = StandardNormalPrior((2,), DataSpec("binary", (4,)))
        >>> prior().sample((3,)).shape
        torch.Size([3, 2])
    """

    domain = "real"
    like: Tensor

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("like", torch.zeros(event_shape), persistent=False)

    def forward(self, condition: Tensor | None = None) -> StandardNormal:
        return StandardNormal(self.like)
