"""The uniform distribution on the sphere."""

from __future__ import annotations

__all__ = ["HypersphericalUniform", "UnitVector", "log_area"]

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import normalize
from torch.types import _size


class UnitVector(constraints.Constraint):
    """Vectors of length 1, to half the digits of their type."""

    is_discrete = False
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value.square().sum(-1) - 1).abs() < torch.finfo(value.dtype).eps ** 0.5


class HypersphericalUniform(Distribution):
    r"""$p(z) = 1 / |S^{m-1}|$ on the unit sphere in m dimensions, a density with respect to its surface area.

    $$ |S^{m-1}| = \frac{2 \pi^{m/2}}{\Gamma(m/2)} $$

    Arguments:
        like: A tensor of shape `(*batch, m)` that tells shape, type and device.

    Example:
        >>> p = HypersphericalUniform(torch.zeros(3))
        >>> round(p.log_prob(p.sample()).exp().item() * 4 * torch.pi, 4)
        1.0

    References:
        | Hyperspherical variational auto-encoders (Davidson et al., 2018)
        | https://arxiv.org/abs/1804.00891
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = UnitVector()
    has_rsample = True

    def __init__(self, like: Tensor) -> None:
        self.like = like
        super().__init__(like.shape[:-1], like.shape[-1:], validate_args=False)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> HypersphericalUniform:
        return HypersphericalUniform(self.like.expand(tuple(batch_shape) + tuple(self.event_shape)))

    @property
    def mean(self) -> Tensor:
        return torch.zeros_like(self.like)

    @property
    def variance(self) -> Tensor:
        return torch.full_like(self.like, 1 / self.event_shape[0])

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        shape = tuple(sample_shape) + tuple(self.like.shape)
        return normalize(torch.randn(shape, dtype=self.like.dtype, device=self.like.device), dim=-1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        return self.like.new_full(shape, -log_area(self.event_shape[0]))

    def entropy(self) -> Tensor:
        return self.like.new_full(self.batch_shape, log_area(self.event_shape[0]))


def log_area(dimensions: int) -> float:
    """The logarithm of the surface area of the unit sphere in m dimensions.

    Example:
        >>> round(log_area(3), 4), round(torch.log(torch.tensor(4 * torch.pi)).item(), 4)
        (2.531, 2.531)
    """
    return math.log(2) + dimensions / 2 * math.log(math.pi) - math.lgamma(dimensions / 2)
