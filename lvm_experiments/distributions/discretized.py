"""A symmetric density on the real line integrated over the bins of countable levels."""

from __future__ import annotations

__all__ = ["Discretized"]

from abc import abstractmethod

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation

_WIDE = 40.0  # a log scale from which on all but the outer bins are empty to a float32


class Discretized(Observation):
    r"""Cells in {0, .., levels - 1}: level $x$ has the bin between $2x / \text{levels} - 1$ and the next edge.

    The outer bins are open, so that the masses sum to 1 for every location and scale. A new one gives
    `cell_log_prob`, and the distribution function and its inverse for location 0 and scale 1.

    Arguments:
        loc: The location on the scale where the levels span [-1, 1], shape `(K, B, *shape)`.
        log_scale: The logarithm of the scale, likewise.
        levels: The number of levels.
    """

    def __init__(self, loc: Tensor, log_scale: Tensor, levels: int) -> None:
        self.loc, self.log_scale, self.levels = loc, log_scale, levels
        super().__init__(loc)

    @staticmethod
    @abstractmethod
    def standard_cdf(y: Tensor) -> Tensor:
        """The distribution function of the density at location 0 and scale 1, symmetric about 0."""

    @staticmethod
    @abstractmethod
    def standard_quantile(u: Tensor) -> Tensor:
        """Its inverse, for u in [0, 1)."""

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.levels - 1), 1)

    def _edge(self, level: int) -> Tensor:
        """What the distribution function takes to P(X >= level)."""
        return (self.loc - (2 * level / self.levels - 1)) * torch.exp(-self.log_scale)

    @property
    def mean(self) -> Tensor:
        total = torch.zeros_like(self.loc)
        for level in range(1, self.levels):
            total += self.standard_cdf(self._edge(level))
        return total

    @property
    def variance(self) -> Tensor:
        # About the nearest level, by what lies above and below it: nothing cancels.
        mean = self.mean
        middle, square = mean.round(), torch.zeros_like(self.loc)
        for level in range(1, self.levels):
            edge, gap = self._edge(level), level - middle
            above = (2 * gap - 1) * self.standard_cdf(edge)
            below = (1 - 2 * gap) * self.standard_cdf(-edge)
            square += torch.where(gap > 0, above, below)
        return (square - (mean - middle) ** 2).clamp_min(0)

    def quantile(self, u: Tensor) -> Tensor:
        """The levels at which the distribution function reaches u in [0, 1)."""
        # The quantile of a half is 0, which an infinite scale would make no number.
        y = self.loc + self.log_scale.clamp_max(_WIDE).exp() * self.standard_quantile(u)
        return torch.floor((y + 1) / 2 * self.levels).clamp(0, self.levels - 1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return self.quantile(self._noise(sample_shape, self.loc))
