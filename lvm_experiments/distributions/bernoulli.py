"""Independent Bernoulli cells, from logits."""

from __future__ import annotations

__all__ = ["Bernoulli"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import softplus
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class Bernoulli(Observation):
    r"""Binary cells with $p(x \mid \ell) = x \ell - \log(1 + e^\ell)$ in the log.

    Lean on purpose: one product and one softplus a cell, which is where evaluation spends its time.

    Arguments:
        logits: $\ell$, shape `(K, B, *shape)`.

    Example:
        >>> p = Bernoulli(torch.zeros(1, 1, 3))
        >>> torch.round(p.log_prob(torch.ones(1, 3)), decimals=3)
        tensor([[-2.0790]])
    """

    support = constraints.independent(constraints.boolean, 1)

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        # Above the threshold softplus returns its argument; 40 is exact in float64, the default of 20 is not.
        return x * self.logits - softplus(self.logits, threshold=40.0)

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.mean)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return (self._noise(sample_shape, self.logits) < self.mean).to(self.logits.dtype)
