"""KL divergences of normal distributions with correlations to those without."""

from __future__ import annotations

__all__ = ["kl_to_diagonal", "kl_to_standard"]

import math

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, register_kl

from lvm_experiments.distributions.diagonal_normal import DiagonalNormal
from lvm_experiments.distributions.low_rank_normal import LowRankNormal
from lvm_experiments.distributions.standard_normal import StandardNormal


@register_kl(MultivariateNormal, DiagonalNormal)
@register_kl(LowRankNormal, DiagonalNormal)
def kl_to_diagonal(q: MultivariateNormal | LowRankNormal, p: DiagonalNormal) -> Tensor:
    r"""$\mathrm{KL}(q \| p) = -H(q) - E_q \log p$, of which the second part sees the variances of q only.

    Arguments:
        q: A normal distribution, batch shape `(*batch,)`.
        p: One with a diagonal covariance, whose batch shape broadcasts against that of q.

    Returns:
        Nats, shape of the joint batch shape.
    """
    white = ((q.loc - p.loc) ** 2 + q.variance) * torch.exp(-2 * p.log_scale)
    cross_entropy = (0.5 * white + p.log_scale + 0.5 * math.log(2 * math.pi)).sum(-1)
    return cross_entropy - q.entropy()


@register_kl(MultivariateNormal, StandardNormal)
@register_kl(LowRankNormal, StandardNormal)
def kl_to_standard(q: MultivariateNormal | LowRankNormal, p: StandardNormal) -> Tensor:
    """The same, where p is standard normal."""
    length = q.event_shape[0]
    return 0.5 * (q.loc**2 + q.variance).sum(-1) + 0.5 * length * math.log(2 * math.pi) - q.entropy()
