"""Independent normal cells."""

from __future__ import annotations

__all__ = ["NormalObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class NormalObservation(Observation):
    r"""Real cells, the whole normaliser kept.

    $$ \log p(x) = -\frac{(x - \mu)^2}{2 \sigma^2} - \log \sigma - \frac{1}{2} \log 2 \pi $$

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log \sigma$, broadcasting against it.

    Example:
        >>> p = NormalObservation(torch.zeros(1, 1, 1), torch.zeros(()))
        >>> round(p.log_prob(torch.zeros(1, 1)).item(), 4)
        -0.9189
    """

    support = constraints.independent(constraints.real, 1)

    def __init__(self, loc: Tensor, log_scale: Tensor) -> None:
        self.loc, self.log_scale = loc, log_scale
        super().__init__(loc)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        standardised = (x - self.loc) * torch.exp(-self.log_scale)
        return -0.5 * standardised**2 - self.log_scale - 0.5 * math.log(2 * math.pi)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return torch.exp(2 * self.log_scale).expand_as(self.loc)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            shape = tuple(sample_shape) + tuple(self.loc.shape)
            noise = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
            return self.loc + self.log_scale.exp() * noise
