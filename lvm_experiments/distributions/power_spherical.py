"""The power spherical distribution."""

from __future__ import annotations

__all__ = ["PowerSpherical"]

import math

import torch
from torch import Tensor
from torch.types import _size

from lvm_experiments.distributions.hyperspherical_uniform import log_area
from lvm_experiments.distributions.inversion import beta_from
from lvm_experiments.distributions.tilted_sphere import TiltedSphere


class PowerSpherical(TiltedSphere):
    r"""A distribution like von Mises' and Fisher's on the sphere in m dimensions, with a normaliser in closed form.

    $$ q(z) = \frac{(1 + \mu^\top z)^\kappa}{2^{\alpha + \beta} \pi^\beta \Gamma(\alpha) / \Gamma(\alpha + \beta)},
       \qquad \beta = \frac{m - 1}{2}, \quad \alpha = \beta + \kappa $$

    Draws take no rejection: $(1 + \mu^\top z) / 2$ has a beta distribution, whose distribution function is inverted.

    Arguments:
        loc: $\mu$, of length 1, shape `(*batch, m)` with m at least 2.
        concentration: $\kappa > 0$, shape `(*batch,)`.

    Example:
        >>> q = PowerSpherical(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(1.0))
        >>> round(q.log_prob(q.loc).exp().item() * 4 * torch.pi, 4)
        2.0
        >>> bool(q.support.check(q.rsample((100,))).all())
        True

    References:
        | The power spherical distribution (De Cao & Aziz, 2020)
        | https://arxiv.org/abs/2006.04437
    """

    @property
    def _beta(self) -> float:
        return (self.event_shape[0] - 1) / 2

    def statistic(self, theta: Tensor) -> Tensor:
        return 2 * torch.log(torch.cos(theta / 2))

    def statistic_of(self, value: Tensor) -> Tensor:
        # As far from the antipode as from mu: each formula where it is exact.
        near, far = (value - self.loc).square().sum(-1), (value + self.loc).square().sum(-1)
        inside = near < 2
        close = torch.log1p(-torch.where(inside, near, torch.zeros_like(near)) / 4)
        tiny = torch.finfo(far.dtype).tiny
        return torch.where(inside, close, torch.log(torch.where(inside, torch.ones_like(far), far / 4).clamp_min(tiny)))

    def log_mean(self) -> Tensor:
        alpha, beta = self._beta + self._wide, self._beta
        ratio = torch.lgamma(alpha) - torch.lgamma(alpha + beta)
        return ratio + 2 * beta * math.log(2) + beta * math.log(math.pi) - log_area(self.event_shape[0])

    def mean_statistic(self) -> Tensor:
        alpha = self._beta + self._wide
        return torch.digamma(alpha) - torch.digamma(alpha + self._beta)

    def mode_cosine(self) -> Tensor:
        return self._wide / (self._wide + self.event_shape[0] - 2)

    def cosine_moments(self) -> tuple[Tensor, Tensor]:
        k, beta = self._wide, self._beta
        first, n = k / (2 * beta + k), 2 * beta + k
        # Four times the variance of the beta distribution.
        return first, first**2 + 4 * ((beta + k) / n) * (beta / n) / (n + 1)

    @torch.no_grad()
    def angles(self, sample_shape: _size) -> Tensor:
        k = self._wide
        u = torch.rand((*sample_shape, *k.shape), dtype=k.dtype, device=k.device)
        # Of the other side, sin^2(theta / 2), which is near 0 where this one is near 1.
        return 2 * torch.asin(beta_from(u, torch.full_like(k, self._beta), self._beta + k).sqrt().clamp(max=1))
