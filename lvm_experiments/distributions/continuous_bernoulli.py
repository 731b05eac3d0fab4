"""The continuous Bernoulli, exact at saturated logits."""

from __future__ import annotations

__all__ = ["ContinuousBernoulli"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation

_NEAR = 0.3  # below it the series is used; its first omitted term is below 1e-13 there


class ContinuousBernoulli(Observation):
    r"""Cells on [0, 1] with density proportional to $\lambda^x (1 - \lambda)^{1 - x}$.

    In terms of the logit $\ell$ of $\lambda$ the density is a truncated exponential,

    $$ \log p(x \mid \ell) = x \ell - \log \frac{e^\ell - 1}{\ell} , $$

    which stays exact where $\lambda$ rounds to 0 or 1 in float32: torch's own class loses most of its mass there.

    Arguments:
        logits: $\ell$, shape `(K, B, *shape)`.

    Example:
        >>> p = ContinuousBernoulli(torch.zeros(1, 1, 1))
        >>> p.log_prob(torch.full((1, 1), 0.25)).item()
        0.0

    References:
        | The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem &
        Cunningham, 2019)
        | https://arxiv.org/abs/1907.06845
    """

    support = constraints.independent(constraints.unit_interval, 1)
    filler = 0.5

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return (x - 0.5) * self.logits - _log_sinhc(self.logits)

    @property
    def mean(self) -> Tensor:
        return 0.5 + _log_sinhc_slope(self.logits)

    @property
    def variance(self) -> Tensor:
        # d mean / d logit, with the series where the two terms cancel.
        half, far = self._halves()
        near = 1 / 12 - half**2 / 60 + half**4 / 378 - half**6 * (1 / 2700)
        exact = 1 / (4 * far**2) - 0.25 / torch.sinh(far.clamp(-40, 40)) ** 2
        return torch.where(half.abs() < _NEAR / 2, near, exact)

    def _halves(self) -> tuple[Tensor, Tensor]:
        half = self.logits / 2
        return half, torch.where(half.abs() < _NEAR / 2, torch.ones_like(half), half)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        # The inverse distribution function, log(1 + u (e^l - 1)) / l, from the side where e^l does not overflow:
        # for -|l| it is -log(1 - u (1 - e^-|l|)) / |l|, and a positive logit mirrors it.
        with torch.no_grad():
            u = self._noise(sample_shape, self.logits)
            size = self.logits.abs()
            far = torch.where(size < 1e-3, torch.ones_like(size), size)
            near = u - size / 2 * u * (1 - u)
            falling = torch.where(size < 1e-3, near, -torch.log1p(u * torch.expm1(-far)) / far)
            return torch.where(self.logits > 0, 1 - falling, falling).clamp(0, 1)


def _log_sinhc(logits: Tensor) -> Tensor:
    """log(sinh(l / 2) / (l / 2)), even in l, about l^2 / 24 near 0 and |l| / 2 - log |l| far from it."""
    size = logits.abs()
    near = size < _NEAR
    far = torch.where(near, torch.ones_like(size), size)
    exact = far / 2 + torch.log1p(-torch.exp(-far)) - torch.log(far)
    small = torch.where(near, logits, torch.zeros_like(logits)) ** 2
    series = small / 24 * (1 - small / 120 * (1 - small / 63 * (1 - small * 3 / 160)))
    return torch.where(near, series, exact)


def _log_sinhc_slope(logits: Tensor) -> Tensor:
    """Its derivative, coth(l / 2) / 2 - 1 / l."""
    near = logits.abs() < _NEAR
    far = torch.where(near, torch.ones_like(logits), logits)
    small = torch.where(near, logits, torch.zeros_like(logits))
    series = small / 12 * (1 - small**2 / 60 * (1 - small**2 / 42 * (1 - small**2 / 40)))
    return torch.where(near, series, 0.5 / torch.tanh(far / 2) - 1 / far)
