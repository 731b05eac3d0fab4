"""Independent Poisson cells, from log rates."""

from __future__ import annotations

__all__ = ["MAX_LOG_RATE", "Poisson"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.inversion import poisson_from
from lvm_experiments.distributions.log_poisson import log_poisson
from lvm_experiments.distributions.observation import Observation

MAX_LOG_RATE = 40.0
"""e^40 = 2e17 of anything is more than is counted, and its square is still a float32."""


class Poisson(Observation):
    r"""Counts with $\log p(x) = x \log \lambda - \lambda - \log x!$.

    Arguments:
        log_rate: $\log \lambda$, shape `(K, B, *shape)`; larger ones count as `MAX_LOG_RATE`.

    Example:
        >>> Poisson(torch.zeros(1, 1, 1)).log_prob(torch.zeros(1, 1))
        tensor([[-1.]])
    """

    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, log_rate: Tensor) -> None:
        self.log_rate = log_rate.clamp_max(MAX_LOG_RATE)
        super().__init__(log_rate)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return log_poisson(x.to(self.log_rate.dtype), self.log_rate)

    @property
    def mean(self) -> Tensor:
        return self.log_rate.exp()

    @property
    def variance(self) -> Tensor:
        return self.log_rate.exp()

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return poisson_from(self._noise(sample_shape, self.log_rate), self.mean)
