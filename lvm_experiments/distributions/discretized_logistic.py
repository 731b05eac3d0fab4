"""A logistic distribution integrated over the bins of countable levels."""

from __future__ import annotations

__all__ = ["DiscretizedLogistic"]

import torch
from torch import Tensor

from lvm_experiments.distributions.bins import log_logistic_bin
from lvm_experiments.distributions.discretized import Discretized


class DiscretizedLogistic(Discretized):
    r"""Cells in {0, .., levels - 1}: the mass of a logistic density over each level's bin, with open tails.

    Level $x$ stands at $t = (2x + 1) / \text{levels} - 1$ with half-width $h = 1 / \text{levels}$. With
    $b = (t + h - \mu) / s$ and $a = (t - h - \mu) / s$,

    $$ p(x) = \sigma(b) - \sigma(a) ; $$

    the lowest level has $\sigma(b)$, the highest $1 - \sigma(a)$, so that the masses sum to 1 for every mean and
    scale. See `log_logistic_bin` for how it is computed.

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

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return log_logistic_bin(x, self.loc, self.log_scale, self.levels)

    @staticmethod
    def standard_cdf(y: Tensor) -> Tensor:
        return torch.sigmoid(y)

    @staticmethod
    def standard_quantile(u: Tensor) -> Tensor:
        return torch.log(u.clamp_min(torch.finfo(u.dtype).tiny)) - torch.log1p(-u)
