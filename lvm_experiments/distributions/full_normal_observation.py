"""Real cells that depend on each other."""

from __future__ import annotations

__all__ = ["FullNormalObservation"]

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class FullNormalObservation(Observation):
    r"""$\mathcal{N}(x; \mu, L L^T)$ over all cells at once; none of them may be missing.

    Arguments:
        loc: $\mu$, shape `(K, B, D)`.
        scale_tril: The lower triangle L, shape `(K, B, D, D)`.

    Example:
        >>> p = FullNormalObservation(torch.zeros(1, 1, 2), torch.eye(2).expand(1, 1, 2, 2))
        >>> round(p.log_prob(torch.zeros(1, 2)).item(), 4)
        -1.8379
    """

    support = constraints.independent(constraints.real, 1)

    def __init__(self, loc: Tensor, scale_tril: Tensor) -> None:
        super().__init__(loc)
        self.normal = MultivariateNormal(loc, scale_tril=scale_tril, validate_args=False)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        raise ValueError("cells of a normal with full covariance have no densities of their own")

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        self._takes_whole_examples(mask)
        return self.normal.log_prob(value)

    @property
    def mean(self) -> Tensor:
        return self.normal.mean

    @property
    def variance(self) -> Tensor:
        return self.normal.variance

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.normal.sample(torch.Size(sample_shape))
