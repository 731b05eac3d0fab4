"""The mass of a Poisson distribution, and of what is made of several."""

from __future__ import annotations

__all__ = ["log_peak", "log_poisson", "shortfall"]

import math

import torch
from torch import Tensor

from lvm_experiments.distributions.stirling import stirling_rest


def log_poisson(x: Tensor, log_rate: Tensor) -> Tensor:
    r"""$x \log \lambda - \lambda - \log x!$, whose terms grow like $x \log x$ while their sum does not.

    With $d = \log \lambda - \log x$ it is what it is at its best rate, $\lambda = x$, less what another one costs,

    $$ \log p(x) = x (1 + d - e^d) - \tfrac{1}{2} \log 2 \pi x - c(x) , $$

    with c what Stirling's formula leaves. An error of d counts as its square only, so that digits are kept however
    many were counted. Binomial and negative binomial masses are ratios of such terms.

    Arguments:
        x: Counts.
        log_rate: $\log \lambda$, broadcasting against them.

    Example:
        >>> log_poisson(torch.tensor([0.0, 1e8]), torch.tensor([0.0, 1e8]).clamp_min(1).log()).round(decimals=2)
        tensor([ -1.0000, -10.1300])

    References:
        | Fast and accurate computation of binomial probabilities (Loader, 2000)
    """
    counted = x.clamp_min(1)
    some = shortfall(counted, log_rate - torch.log(counted)) + log_peak(counted)
    return torch.where(x > 0, some, -log_rate.exp())


def shortfall(x: Tensor, d: Tensor) -> Tensor:
    """x (1 + d - e^d), never positive: what a rate of x e^d in place of x costs."""
    return x * (d - torch.expm1(d))


def log_peak(x: Tensor) -> Tensor:
    """x log x - x - log Gamma(x + 1) for positive x, which need not be whole: log p(x) of the rate x."""
    return -0.5 * torch.log(2 * math.pi * x) - stirling_rest(x)
