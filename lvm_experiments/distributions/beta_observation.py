"""Independent beta cells, exact for narrow ones too."""

from __future__ import annotations

__all__ = ["BetaObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.inversion import beta_from
from lvm_experiments.distributions.observation import Observation
from lvm_experiments.distributions.stirling import stirling_rest


class _OpenUnitInterval(constraints.Constraint):
    def check(self, value: Tensor) -> Tensor:
        return (value > 0) & (value < 1)


class BetaObservation(Observation):
    r"""Cells in the open unit interval.

    $$ \log p(x) = (\alpha - 1) \log x + (\beta - 1) \log (1 - x) - \log B(\alpha, \beta) $$

    Both parts are of size $\alpha + \beta$ and cancel; what is computed is the same in terms that do not. With
    $n = \alpha + \beta$, $\mu = \alpha / n$ and Stirling's remainder $c(a) = \log \Gamma(a) - (a - \frac{1}{2}) \log a
    + a - \frac{1}{2} \log 2 \pi$,

    $$ \log p(x) = \alpha \log \frac{x}{\mu} + \beta \log \frac{1 - x}{1 - \mu} - \log x (1 - x)
       + \tfrac{1}{2} \log \frac{\alpha \beta}{2 \pi n} - c(\alpha) - c(\beta) + c(n) . $$

    Arguments:
        alpha: $\alpha$, shape `(K, B, *shape)`.
        beta: $\beta$, likewise.

    Example:
        >>> p = BetaObservation(torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 1.0))
        >>> round(p.log_prob(torch.full((1, 1), 0.5)).item(), 4)
        0.0
    """

    support = constraints.independent(_OpenUnitInterval(), 1)
    filler = 0.5

    def __init__(self, alpha: Tensor, beta: Tensor) -> None:
        self.alpha, self.beta = alpha, beta
        super().__init__(alpha)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = _inside(x)
        alpha, beta, n = self.alpha, self.beta, self.alpha + self.beta
        mean, rest = alpha / n, beta / n
        # One difference for both sides, of numbers below a half, so that their errors cancel, too.
        gap = torch.where(alpha < beta, x - mean, rest - (1 - x))
        powers = (
            alpha * _log_ratio(x, mean, gap) + beta * _log_ratio(1 - x, rest, -gap) - torch.log(x) - torch.log1p(-x)
        )
        norm = 0.5 * (torch.log(alpha) + torch.log(rest) - math.log(2 * math.pi))
        return powers + norm - stirling_rest(alpha) - stirling_rest(beta) + stirling_rest(n)

    @property
    def mean(self) -> Tensor:
        return self.alpha / (self.alpha + self.beta)

    @property
    def variance(self) -> Tensor:
        n = self.alpha + self.beta
        return (self.alpha / n) * (self.beta / n) / (n + 1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return _inside(beta_from(self._noise(sample_shape, self.alpha), self.alpha, self.beta))


def _inside(x: Tensor) -> Tensor:
    """The nearest number of the open interval."""
    info = torch.finfo(x.dtype)
    return x.clamp(info.tiny, 1 - info.eps / 2)


def _log_ratio(x: Tensor, mean: Tensor, gap: Tensor) -> Tensor:
    """log(x / mean), which is log(1 + gap / mean), to the last digit where it is near 0."""
    near = gap.abs() < 0.5 * mean
    close = torch.log1p(torch.where(near, gap / mean, torch.zeros_like(gap)))
    return torch.where(near, close, torch.log(x) - torch.log(mean))
