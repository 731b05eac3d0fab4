"""Independent Laplace cells."""

from __future__ import annotations

__all__ = ["LaplaceObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class LaplaceObservation(Observation):
    r"""Real cells with tails that fall exponentially: the median is predicted, not the mean.

    $$ \log p(x) = -\frac{|x - \mu|}{b} - \log 2 b $$

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log b$, broadcasting against it.

    Example:
        >>> p = LaplaceObservation(torch.zeros(1, 1, 1), torch.zeros(()))
        >>> round(p.log_prob(torch.zeros(1, 1)).item(), 4)
        -0.6931
    """

    support = constraints.independent(constraints.real, 1)

    def __init__(self, loc: Tensor, log_scale: Tensor) -> None:
        self.loc, self.log_scale = loc, log_scale
        super().__init__(loc)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return -(x - self.loc).abs() * torch.exp(-self.log_scale) - self.log_scale - math.log(2)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * torch.exp(2 * self.log_scale).expand_as(self.loc)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        # Two draws: the logarithm of one that is folded in the middle would be infinite now and then.
        with torch.no_grad():
            distance = -torch.log1p(-self._noise(sample_shape, self.loc))
            positive = self._noise(sample_shape, self.loc) < 0.5
            return self.loc + self.log_scale.exp() * torch.where(positive, distance, -distance)
