"""The standard normal distribution over vectors."""

from __future__ import annotations

__all__ = ["StandardNormal"]

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size


class StandardNormal(Distribution):
    r"""$\mathcal{N}(0, I_L)$, without parameters to multiply by.

    Arguments:
        like: A tensor of shape `(*batch, L)` that tells shape, type and device.

    Example:
        >>> p = StandardNormal(torch.zeros(2))
        >>> round(p.log_prob(torch.zeros(2)).item(), 4)
        -1.8379
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, like: Tensor) -> None:
        self.like = like
        super().__init__(like.shape[:-1], like.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return torch.zeros_like(self.like)

    @property
    def variance(self) -> Tensor:
        return torch.ones_like(self.like)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        shape = tuple(sample_shape) + tuple(self.like.shape)
        return torch.randn(shape, dtype=self.like.dtype, device=self.like.device)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.rsample(sample_shape)

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        """The log density of each coordinate on its own, shape `(*, L)`."""
        return -0.5 * value**2 - 0.5 * math.log(2 * math.pi)

    def log_prob(self, value: Tensor) -> Tensor:
        return -0.5 * (value**2).sum(-1) - 0.5 * self.event_shape[0] * math.log(2 * math.pi)

    def per_dimension(self) -> StandardNormal:
        """Each coordinate's own distribution, of batch shape `(*batch, L)`."""
        return StandardNormal(self.like.unsqueeze(-1))

    def entropy(self) -> Tensor:
        value = 0.5 * self.event_shape[0] * math.log(2 * math.pi * math.e)
        return torch.full(self.batch_shape, value, dtype=self.like.dtype, device=self.like.device)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> StandardNormal:
        return StandardNormal(self.like.expand(tuple(batch_shape) + tuple(self.event_shape)))
