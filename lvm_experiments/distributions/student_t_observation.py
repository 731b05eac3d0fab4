"""Independent cells of Student's t distribution."""

from __future__ import annotations

__all__ = ["StudentTObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation
from lvm_experiments.distributions.stirling import stirling_rest


class StudentTObservation(Observation):
    r"""Real cells with tails that fall as a power, which outliers cost little.

    $$ \log p(x) = \log \Gamma(\tfrac{\nu + 1}{2}) - \log \Gamma(\tfrac{\nu}{2}) - \tfrac{1}{2} \log \pi \nu - \log s
       - \tfrac{\nu + 1}{2} \log \left( 1 + \frac{(x - \mu)^2}{\nu s^2} \right) $$

    The two log-gammas are subtracted on paper, by Stirling's formula: torch's own class loses digits where they are
    large.

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log s$, broadcasting against it.
        df: The degrees of freedom $\nu > 1$, likewise; the variance is infinite up to 2.

    Example:
        >>> p = StudentTObservation(torch.zeros(1, 1, 1), torch.zeros(()), torch.tensor(3.0))
        >>> round(p.log_prob(torch.zeros(1, 1)).item(), 4)
        -1.0009

    References:
        | Polar generation of random variates with the t-distribution (Bailey, 1994)
        | https://doi.org/10.1090/S0025-5718-1994-1219702-8
    """

    support = constraints.independent(constraints.real, 1)

    def __init__(self, loc: Tensor, log_scale: Tensor, df: Tensor) -> None:
        self.loc, self.log_scale, self.df = loc, log_scale, df
        super().__init__(loc)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        standardised = (x - self.loc) * torch.exp(-self.log_scale)
        return self._peak() - (self.df + 1) / 2 * torch.log1p(standardised**2 / self.df)

    def _peak(self) -> Tensor:
        a = self.df / 2
        rising = (
            (a - 0.5) * torch.log1p(0.5 / a) + 0.5 * torch.log1p(self.df) - 0.5
        )  # log((df + 1) / 2) less log(1 / 2)
        rest = stirling_rest(a + 0.5) - stirling_rest(a)
        return rising + rest - 0.5 * torch.log(2 * math.pi * self.df) - self.log_scale

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.df > 2
        beyond = torch.where(finite, self.df - 2, torch.ones_like(self.df))
        ratio = torch.where(finite, self.df / beyond, torch.full_like(self.df, torch.inf))
        return (ratio * torch.exp(2 * self.log_scale)).expand_as(self.loc)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        # Bailey's polar method: sqrt(nu (u^(-2 / nu) - 1)) cos(2 pi v), exact for every nu.
        with torch.no_grad():
            exponential = -torch.log1p(-self._noise(sample_shape, self.loc))
            radius = (self.df * torch.expm1(2 / self.df * exponential)).sqrt()
            angle = 2 * math.pi * self._noise(sample_shape, self.loc)
            return self.loc + self.log_scale.exp() * radius * torch.cos(angle)
