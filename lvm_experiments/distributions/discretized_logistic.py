"""A logistic distribution integrated over the bins of countable levels."""

from __future__ import annotations

__all__ = ["DiscretizedLogistic"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class DiscretizedLogistic(Observation):
    r"""Cells in {0, .., levels - 1}: the mass of a logistic density over each level's bin, with open tails.

    Level $x$ stands at $t = (2x + 1) / \text{levels} - 1$ with half-width $h = 1 / \text{levels}$. With
    $b = (t + h - \mu) / s$ and $a = (t - h - \mu) / s$,

    $$ \log p(x) = \log(\sigma(b) - \sigma(a)) = \log \sigma(b) + \log \sigma(-a) + \log(1 - e^{a - b}) , $$

    which never subtracts two probabilities; the lowest level keeps $\log \sigma(b)$, the highest
    $\log \sigma(-a)$, so that the masses sum to 1 for every mean and scale.

    Arguments:
        loc: $\mu$ on the scale where the levels span [-1, 1], shape `(K, B, *shape)`.
        log_scale: $\log s$, likewise.
        levels: The number of levels.

    Example:
        >>> p = DiscretizedLogistic(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), levels=4)
        >>> sum(p.log_prob(torch.full((1, 1), float(x))).exp() for x in range(4)).round(decimals=5)
        tensor([[1.]])

    References:
        | Improved variational inference with inverse autoregressive flow (Kingma et al., 2016)
        | https://arxiv.org/abs/1606.04934
    """

    def __init__(self, loc: Tensor, log_scale: Tensor, levels: int) -> None:
        self.loc, self.log_scale, self.levels = loc, log_scale, levels
        super().__init__(loc)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.levels - 1), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        rate = torch.exp(-self.log_scale)
        middle = (2 * x.to(self.loc.dtype) + 1) / self.levels - 1 - self.loc
        width = 2 / self.levels * rate
        above = (middle + 1 / self.levels) * rate
        left = torch.where(x == self.levels - 1, torch.zeros_like(above), logsigmoid(above))
        right = torch.where(x == 0, torch.zeros_like(above), logsigmoid(width - above))
        log_width = math.log(2 / self.levels) - self.log_scale
        end = (x == 0) | (x == self.levels - 1)
        inside = torch.where(end, torch.zeros_like(above), _log_share(log_width))
        return left + right + inside

    def _edge(self, level: int) -> Tensor:
        """The logit of P(X >= level)."""
        return (self.loc - (2 * level / self.levels - 1)) * torch.exp(-self.log_scale)

    @property
    def mean(self) -> Tensor:
        total = torch.zeros_like(self.loc)
        for level in range(1, self.levels):
            total += torch.sigmoid(self._edge(level))
        return total

    @property
    def variance(self) -> Tensor:
        # About the nearest level, by what lies above and below it: nothing cancels.
        mean = self.mean
        middle, square = mean.round(), torch.zeros_like(self.loc)
        for level in range(1, self.levels):
            edge, gap = self._edge(level), level - middle
            above = (2 * gap - 1) * torch.sigmoid(edge)
            below = (1 - 2 * gap) * torch.sigmoid(-edge)
            square += torch.where(gap > 0, above, below)
        return (square - (mean - middle) ** 2).clamp_min(0)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            u = self._noise(sample_shape, self.loc)
            tiny = torch.finfo(u.dtype).tiny
            y = self.loc + self.log_scale.exp() * (torch.log(u.clamp_min(tiny)) - torch.log1p(-u))
            return torch.floor((y + 1) / 2 * self.levels).clamp(0, self.levels - 1)


def _log_share(log_x: Tensor) -> Tensor:
    """log(1 - exp(-x)) from log x, from the side that loses no digits (Maechler, 2012), however small x is."""
    small = log_x < math.log(math.log(2))
    zero = torch.zeros_like(log_x)
    # A wide logistic gives a bin next to nothing: x may underflow, its logarithm does not.
    x = torch.where(small, log_x, zero).exp().clamp_min(torch.finfo(log_x.dtype).tiny)
    near = torch.where(small, log_x, zero) + torch.log(-torch.expm1(-x) / x)
    far = torch.log1p(-torch.exp(-torch.exp(torch.where(small, zero, log_x))))
    return torch.where(small, near, far)
