"""Independent logistic cells."""

from __future__ import annotations

__all__ = ["LogisticObservation"]

import math

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class LogisticObservation(Observation):
    r"""Real cells, normal-like in the middle with the tails of a Laplace density.

    $$ \log p(x) = \log \sigma(y) + \log \sigma(-y) - \log s , \quad y = \frac{x - \mu}{s} $$

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log s$, broadcasting against it.

    Example:
        >>> p = LogisticObservation(torch.zeros(1, 1, 1), torch.zeros(()))
        >>> round(p.log_prob(torch.zeros(1, 1)).item(), 4)
        -1.3863
    """

    support = constraints.independent(constraints.real, 1)

    def __init__(self, loc: Tensor, log_scale: Tensor) -> None:
        self.loc, self.log_scale = loc, log_scale
        super().__init__(loc)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        y = (x - self.loc) * torch.exp(-self.log_scale)
        return logsigmoid(y) + logsigmoid(-y) - self.log_scale

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return math.pi**2 / 3 * torch.exp(2 * self.log_scale).expand_as(self.loc)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            u = self._noise(sample_shape, self.loc)
            # `torch.rand` gives 0 now and then, and 0 has no logarithm.
            logit = torch.log(u.clamp_min(torch.finfo(u.dtype).eps / 4)) - torch.log1p(-u)
            return self.loc + self.log_scale.exp() * logit
