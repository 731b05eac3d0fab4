"""Independent log-normal cells."""

from __future__ import annotations

__all__ = ["LogNormalObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class LogNormalObservation(Observation):
    r"""Positive cells whose logarithm is normal; the density is one of x itself.

    $$ \log p(x) = -\frac{(\log x - \mu)^2}{2 \sigma^2} - \log \sigma - \frac{1}{2} \log 2 \pi - \log x $$

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log \sigma$, broadcasting against it.

    Example:
        >>> p = LogNormalObservation(torch.zeros(1, 1, 1), torch.zeros(()))
        >>> round(p.log_prob(torch.ones(1, 1)).item(), 4)
        -0.9189
    """

    support = constraints.independent(constraints.positive, 1)
    filler = 1.0

    def __init__(self, loc: Tensor, log_scale: Tensor) -> None:
        self.loc, self.log_scale = loc, log_scale
        super().__init__(loc)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        log_x = torch.log(x)
        standardised = (log_x - self.loc) * torch.exp(-self.log_scale)
        return -0.5 * standardised**2 - self.log_scale - 0.5 * math.log(2 * math.pi) - log_x

    @property
    def mean(self) -> Tensor:
        return torch.exp(self.loc + torch.exp(2 * self.log_scale) / 2)

    @property
    def variance(self) -> Tensor:
        return torch.expm1(torch.exp(2 * self.log_scale)) * self.mean**2

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            shape = tuple(sample_shape) + tuple(self.loc.shape)
            noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
            # Never 0 nor infinite, which the support has not.
            limits = torch.finfo(noise.dtype)
            return torch.exp(self.loc + self.log_scale.exp() * noise).clamp(limits.tiny, limits.max)
