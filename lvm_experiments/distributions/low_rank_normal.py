"""A normal distribution whose covariance is diagonal plus low rank."""

from __future__ import annotations

__all__ = ["LowRankNormal"]

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from lvm_experiments.distributions.wide import wide


class LowRankNormal(Distribution):
    r"""$\mathcal{N}(\mu, D + W W^\top)$ over vectors of length L, $D = \mathrm{diag}(\sigma^2)$.

    W has R columns. With the whitened factor $A = D^{-1/2} W$, $C = I_R + A^\top A$, $\epsilon = D^{-1/2} (z - \mu)$
    and $m = C^{-1} A^\top \epsilon$, the most likely value of the R factors,

    $$ \log q(z) = -\tfrac{1}{2} \left( |\epsilon - A m|^2 + |m|^2 + \log \det C + \log \det D + L \log 2 \pi \right) $$

    which costs L R^2. Torch's `LowRankMultivariateNormal` takes a difference of two large numbers for the sum of
    squares, and loses nats in 32 bits where W is much larger than sigma.

    Arguments:
        loc: $\mu$, shape `(*batch, L)`.
        log_scale: $\log \sigma$, likewise.
        factor: W, shape `(*batch, L, R)`.

    Example:
        >>> q = LowRankNormal(torch.zeros(5, 3), torch.zeros(5, 3), torch.ones(5, 3, 2))
        >>> q.rsample((4,)).shape, q.variance[0]
        (torch.Size([4, 5, 3]), tensor([3., 3., 3.]))
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Tensor, log_scale: Tensor, factor: Tensor) -> None:
        self.loc, self.log_scale, self.factor = loc, log_scale, factor
        # In float64: where W is 1,000 times sigma and its columns are near one line, 32 bits lose the identity and m.
        self.whitened = wide(factor * torch.exp(-log_scale)[..., None])  # (*batch, L, R)
        identity = torch.eye(factor.shape[-1], dtype=self.whitened.dtype, device=factor.device)
        self.capacitance_tril = torch.linalg.cholesky(self.whitened.mT @ self.whitened + identity)
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return torch.exp(2 * self.log_scale) + (self.factor**2).sum(-1)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        shape = tuple(sample_shape) + tuple(self.loc.shape)
        wide = (*shape[:-1], self.factor.shape[-1])
        own = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device) * self.log_scale.exp()
        common = torch.randn(wide, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + own + (self.factor @ common[..., None])[..., 0]

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        white = wide((value - self.loc) * torch.exp(-self.log_scale))[..., None]  # (*, L, 1)
        projected = self.whitened.mT @ white
        lower = torch.linalg.solve_triangular(self.capacitance_tril, projected, upper=False)
        factors = torch.linalg.solve_triangular(self.capacitance_tril.mT, lower, upper=True)
        rest = white - self.whitened @ factors
        squares = (rest**2).sum((-2, -1)) + (factors**2).sum((-2, -1))
        return -0.5 * squares.to(self.loc) - self._half_log_det - 0.5 * self.event_shape[0] * math.log(2 * math.pi)

    def entropy(self) -> Tensor:
        return self._half_log_det + 0.5 * self.event_shape[0] * math.log(2 * math.pi * math.e)

    @property
    def _half_log_det(self) -> Tensor:
        diagonal = torch.diagonal(self.capacitance_tril, dim1=-2, dim2=-1)
        return diagonal.log().sum(-1).to(self.loc) + self.log_scale.sum(-1)

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> LowRankNormal:
        shape = tuple(batch_shape) + tuple(self.event_shape)
        factor = self.factor.expand(*shape, self.factor.shape[-1])
        return LowRankNormal(self.loc.expand(shape), self.log_scale.expand(shape), factor)
