"""Distributions around a direction on the sphere."""

from __future__ import annotations

__all__ = ["TiltedSphere"]

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, register_kl
from torch.nn.functional import normalize
from torch.types import _size

from lvm_experiments.distributions.hyperspherical_uniform import HypersphericalUniform, UnitVector, log_area
from lvm_experiments.distributions.wide import wide

_NEGLIGIBLE = 40.0  # in the exponent: what is left of an integral beyond it is below the last digit
_HALVINGS = 16
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


class TiltedSphere(Distribution):
    r"""The uniform distribution on the unit sphere in m dimensions, tilted towards a direction $\mu$.

    $$ q(z) = \frac{1}{|S^{m-1}|} \exp \left( \kappa T(\mu^\top z) - g(\kappa) \right) $$

    An exponential family in $\kappa$, whose divergence from the uniform distribution is $\kappa g'(\kappa) -
    g(\kappa)$. A subclass says what T is, 0 at $\mu$ and falling from there, what g and g' are, and how to draw the
    angle $\theta$ between z and $\mu$.

    Gradients through draws are implicit, so that no correction for a rejected proposal is needed and they are
    unbiased: $\mathrm{d} z / \mathrm{d} \mu$ is the smallest rotation that moves $\mu$, and

    $$ \frac{\mathrm{d} \theta}{\mathrm{d} \kappa} = - \frac{\partial_\kappa F(\theta)}{f(\theta)}
       = - \int_0^\theta (T(\varphi) - g'(\kappa)) \frac{f(\varphi)}{f(\theta)} \mathrm{d} \varphi, \qquad
       f(\varphi) \propto e^{\kappa T(\varphi)} \sin^{m-2} \varphi $$

    by 64 nodes of Gauss and Legendre, on the side of $\theta$ where f falls. They are of the first order only.

    Arguments:
        loc: $\mu$, of length 1, shape `(*batch, m)` with m at least 2.
        concentration: $\kappa > 0$, shape `(*batch,)`.

    Attributes:
        representative: $\mu$.

    References:
        | Implicit reparameterization gradients (Figurnov, Mohamed & Mnih, 2018)
        | https://arxiv.org/abs/1805.08498
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = UnitVector()
    has_rsample = True

    def __init__(self, loc: Tensor, concentration: Tensor) -> None:
        self.loc, self.concentration = loc, concentration
        self._wide = wide(concentration)
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> TiltedSphere:
        shape = tuple(batch_shape)
        return type(self)(self.loc.expand(shape + tuple(self.event_shape)), self.concentration.expand(shape))

    # ---- what a subclass says

    @abstractmethod
    def statistic(self, theta: Tensor) -> Tensor:
        """T of an angle."""

    @abstractmethod
    def statistic_of(self, value: Tensor) -> Tensor:
        r"""T of $\mu^\top z$, exact where z is near $\mu$."""

    @abstractmethod
    def log_mean(self) -> Tensor:
        r"""$g(\kappa) = \log \mathrm{E}[e^{\kappa T}]$ under the uniform distribution, in float64."""

    @abstractmethod
    def mean_statistic(self) -> Tensor:
        r"""$g'(\kappa) = \mathrm{E}_q[T]$, in float64."""

    @abstractmethod
    def mode_cosine(self) -> Tensor:
        """The cosine of the most probable angle, which has a single mode, in float64."""

    @abstractmethod
    def angles(self, sample_shape: _size) -> Tensor:
        """Draws of the angle, shape `(*sample_shape, *batch)`, in float64 and without gradients."""

    @abstractmethod
    def cosine_moments(self) -> tuple[Tensor, Tensor]:
        r"""The mean of $\mu^\top z$ and of its square, in float64."""

    # ---- what follows

    @property
    def representative(self) -> Tensor:
        return self.loc

    @property
    def mean(self) -> Tensor:
        first, _ = self.cosine_moments()
        return first.to(self.loc)[..., None] * self.loc

    @property
    def variance(self) -> Tensor:
        first, second = (moment.to(self.loc)[..., None] for moment in self.cosine_moments())
        around = (1 - second) / (self.event_shape[0] - 1)
        return around + (second - around - first**2) * self.loc**2

    def log_prob(self, value: Tensor) -> Tensor:
        tilt = self.concentration * self.statistic_of(value)
        return tilt - self.log_mean().to(self.loc) - log_area(self.event_shape[0])

    def divergence_from_uniform(self) -> Tensor:
        """KL(q || uniform), shape `(*batch,)`."""
        return (self._wide * self.mean_statistic() - self.log_mean()).to(self.loc)

    def entropy(self) -> Tensor:
        return log_area(self.event_shape[0]) - self.divergence_from_uniform()

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        mu = self.loc.detach()
        with torch.no_grad():
            # Not in one piece with the angle: a subclass that rejects takes more numbers for it.
            noise = torch.randn(tuple(sample_shape) + tuple(mu.shape), dtype=mu.dtype, device=mu.device)
            across = normalize(noise - (noise * mu).sum(-1, keepdim=True) * mu, dim=-1)
            tiny = torch.finfo(self._wide.dtype).tiny ** 0.5
            theta = self.angles(sample_shape).clamp(tiny, torch.pi)
            cosine, sine = (part.to(mu)[..., None] for part in (torch.cos(theta), torch.sin(theta)))
            z = normalize(cosine * mu + sine * across, dim=-1)
        if not (torch.is_grad_enabled() and (self.loc.requires_grad or self.concentration.requires_grad)):
            return z
        # Both terms are 0, and carry the gradients.
        turned = self.loc * (mu * z).sum(-1, keepdim=True) - mu * (self.loc * z).sum(-1, keepdim=True)
        speed = self._speed(theta).to(mu)[..., None] * (cosine * across - sine * mu)
        return z + turned + speed * (self.concentration - self.concentration.detach())[..., None]

    @torch.no_grad()
    def _speed(self, theta: Tensor) -> Tensor:
        r"""$\mathrm{d} \theta / \mathrm{d} \kappa$ at fixed probability F."""
        right = torch.cos(theta) < self.mode_cosine()
        side = torch.where(right, 1.0, -1.0).to(theta)
        here = self._log_density(theta)
        length = torch.where(right, torch.pi - theta, theta)
        for _ in range(_HALVINGS):
            half = length / 2
            length = torch.where(here - self._log_density(theta + side * half) > _NEGLIGIBLE, half, length)
        nodes, weights = (torch.as_tensor(a).to(theta) for a in ((_NODES + 1) / 2, _WEIGHTS / 2))
        # Steps that shrink towards both ends, where powers and logarithms of angles have no derivatives.
        steps, weights = nodes**2 * (3 - 2 * nodes), weights * 6 * nodes * (1 - nodes)
        at = theta[..., None] + (side * length)[..., None] * steps
        ratio = torch.exp(self._log_density(at, axis=True) - here[..., None])
        score = self.statistic(at) - self.mean_statistic()[..., None]
        return side * length * (weights * score * ratio).sum(-1)

    def _log_density(self, theta: Tensor, *, axis: bool = False) -> Tensor:
        concentration = self._wide[..., None] if axis else self._wide
        return concentration * self.statistic(theta) + (self.event_shape[0] - 2) * torch.log(torch.sin(theta).abs())


@register_kl(TiltedSphere, HypersphericalUniform)
def _kl(q: TiltedSphere, p: Any) -> Tensor:
    return q.divergence_from_uniform()
