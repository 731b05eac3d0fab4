"""A normal distribution integrated over the bins of countable levels."""

from __future__ import annotations

__all__ = ["DiscretizedGaussian"]

import torch
from torch import Tensor

from lvm_experiments.distributions.bins import log_normal_bin
from lvm_experiments.distributions.discretized import Discretized


class DiscretizedGaussian(Discretized):
    r"""Cells in {0, .., levels - 1}: the mass of a normal density over each level's bin, with open tails.

    Level $x$ stands at $t = (2x + 1) / \text{levels} - 1$ with half-width $h = 1 / \text{levels}$, and

    $$ p(x) = \Phi\left(\frac{t + h - \mu}{\sigma}\right) - \Phi\left(\frac{t - h - \mu}{\sigma}\right) ; $$

    the lowest level has the first term alone, the highest 1 less the second, so that the masses sum to 1 for every
    mean and deviation. See `log_normal_bin` for how it is computed.

    Arguments:
        loc: $\mu$ on the scale where the levels span [-1, 1], shape `(K, B, *shape)`.
        log_scale: $\log \sigma$, likewise.
        levels: The number of levels.

    Example:
        >>> p = DiscretizedGaussian(torch.zeros(1, 1, 1), torch.zeros(1, 1, 1), levels=4)
        >>> sum(p.log_prob(torch.full((1, 1), float(x))).exp() for x in range(4)).round(decimals=5)
        tensor([[1.]])

    References:
        | Denoising diffusion probabilistic models (Ho, Jain & Abbeel, 2020), section 3.3
        | https://arxiv.org/abs/2006.11239
    """

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return log_normal_bin(x, self.loc, self.log_scale, self.levels)

    @staticmethod
    def standard_cdf(y: Tensor) -> Tensor:
        return torch.special.ndtr(y)

    @staticmethod
    def standard_quantile(u: Tensor) -> Tensor:
        return torch.special.ndtri(u)
