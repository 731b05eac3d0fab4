"""A normal distribution with a diagonal covariance, over vectors."""

from __future__ import annotations

__all__ = ["DiagonalNormal"]

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints, register_kl
from torch.types import _size

from lvm_experiments.distributions.standard_normal import StandardNormal


class DiagonalNormal(Distribution):
    r"""$\mathcal{N}(\mu, \mathrm{diag}(\sigma^2))$ over vectors of length L.

    The training step spends a tenth of its time in torch's `Independent(Normal)`; this one keeps log sigma and
    costs half.

    Arguments:
        loc: $\mu$, shape `(*batch, L)`.
        log_scale: $\log \sigma$, likewise.

    Example:
        >>> q = DiagonalNormal(torch.zeros(5, 2), torch.zeros(5, 2))
        >>> q.batch_shape, q.rsample((3,)).shape
        (torch.Size([5]), torch.Size([3, 5, 2]))
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, log_scale: Tensor) -> None:
        self.loc, self.log_scale = loc, log_scale
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.log_scale.exp()

    @property
    def variance(self) -> Tensor:
        return (2 * self.log_scale).exp()

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        shape = tuple(sample_shape) + tuple(self.loc.shape)
        return self.loc + self.stddev * torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        """The log density of each coordinate on its own, shape `(*, L)`."""
        standardised = (value - self.loc) * torch.exp(-self.log_scale)
        return -0.5 * standardised**2 - self.log_scale - 0.5 * math.log(2 * math.pi)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.log_prob_per_dimension(value).sum(-1)

    def per_dimension(self) -> DiagonalNormal:
        """Each coordinate's own distribution, of batch shape `(*batch, L)`."""
        return DiagonalNormal(self.loc.unsqueeze(-1), self.log_scale.unsqueeze(-1))

    def entropy(self) -> Tensor:
        return (self.log_scale + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> DiagonalNormal:
        shape = tuple(batch_shape) + tuple(self.event_shape)
        return DiagonalNormal(self.loc.expand(shape), self.log_scale.expand(shape))


@register_kl(DiagonalNormal, DiagonalNormal)
def _kl_diagonal_diagonal(q: DiagonalNormal, p: DiagonalNormal) -> Tensor:
    gap = p.log_scale - q.log_scale
    return (gap + 0.5 * (torch.exp(-2 * gap) + ((q.loc - p.loc) * torch.exp(-p.log_scale)) ** 2 - 1)).sum(-1)


@register_kl(DiagonalNormal, StandardNormal)
def _kl_diagonal_standard(q: DiagonalNormal, p: StandardNormal) -> Tensor:
    return 0.5 * (q.loc**2 + torch.exp(2 * q.log_scale) - 1 - 2 * q.log_scale).sum(-1)
