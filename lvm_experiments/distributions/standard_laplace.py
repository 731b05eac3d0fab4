"""The standard Laplace distribution over vectors."""

from __future__ import annotations

__all__ = ["StandardLaplace"]

import math

import torch
from torch import Tensor
from torch.distributions import Independent, Laplace, MultivariateNormal, register_kl

from lvm_experiments.distributions.diagonal_normal import DiagonalNormal
from lvm_experiments.distributions.low_rank_normal import LowRankNormal


class StandardLaplace(Independent):
    r"""$p(z) = \prod_{l=1}^L \frac{1}{2} e^{-|z_l|}$, of variance 2 in each dimension.

    Arguments:
        like: A tensor of shape `(*batch, L)` that tells shape, type and device.

    Example:
        >>> p = StandardLaplace(torch.zeros(2))
        >>> round(p.log_prob(torch.zeros(2)).item(), 4)
        -1.3863
    """

    def __init__(self, like: Tensor) -> None:
        zeros, ones = torch.zeros_like(like), torch.ones_like(like)
        super().__init__(Laplace(zeros, ones, validate_args=False), 1, validate_args=False)

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        """The log density of each coordinate on its own, shape `(*, L)`."""
        return self.base_dist.log_prob(value)


@register_kl(MultivariateNormal, StandardLaplace)
@register_kl(LowRankNormal, StandardLaplace)
@register_kl(DiagonalNormal, StandardLaplace)
def _kl_normal_laplace(q: MultivariateNormal | LowRankNormal | DiagonalNormal, p: StandardLaplace) -> Tensor:
    # E|z| of a normal z, the mean of the folded normal distribution; correlations are in the entropy only.
    deviation = q.variance.sqrt()
    at = q.loc / (deviation * math.sqrt(2))
    size = deviation * math.sqrt(2 / math.pi) * torch.exp(-(at**2)) + q.loc * torch.erf(at)
    return (size + math.log(2)).sum(-1) - q.entropy()
