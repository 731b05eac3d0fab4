"""The uniform prior on the sphere."""

from __future__ import annotations

__all__ = ["HypersphericalUniformPrior"]

import torch
from torch import Tensor

from lvm_experiments.distributions import HypersphericalUniform
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec


class HypersphericalUniformPrior(Prior):
    r"""$p(z) = 1 / |S^{L-1}|$ on the unit sphere in L dimensions, whatever the condition.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.

    Example:
        >>> prior = HypersphericalUniformPrior((3,), DataSpec("binary", (4,)))
        >>> bool(torch.isclose(prior().sample((5,)).norm(dim=-1), torch.ones(())).all())
        True

    References:
        | Hyperspherical variational auto-encoders (Davidson et al., 2018)
        | https://arxiv.org/abs/1804.00891
    """

    domain = "sphere"
    like: Tensor

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("like", torch.zeros(event_shape), persistent=False)

    def forward(self, condition: Tensor | None = None) -> HypersphericalUniform:
        return HypersphericalUniform(self.like)
