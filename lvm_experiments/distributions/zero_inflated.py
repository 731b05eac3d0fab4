"""Counts some of whose zeros have another cause."""

from __future__ import annotations

__all__ = ["ZeroInflated"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class ZeroInflated(Observation):
    r"""With probability $\pi = \sigma(\ell)$ a cell is 0, else it is a count of another distribution p'.

    $$ p(0) = \pi + (1 - \pi) \, p'(0), \qquad p(x) = (1 - \pi) \, p'(x) \quad \text{for } x > 0 $$

    Arguments:
        counts: p', of batch shape `(K, B)`.
        logits: $\ell$, shape `(K, B, *shape)`.

    Example:
        >>> from lvm_experiments.distributions import Poisson
        >>> p = ZeroInflated(Poisson(torch.zeros(1, 1, 1)), torch.zeros(1, 1, 1))
        >>> p.log_prob(torch.zeros(1, 1)).exp()
        tensor([[0.6839]])

    References:
        | Zero-inflated Poisson regression, with an application to defects in manufacturing (Lambert, 1992)
    """

    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, counts: Observation, logits: Tensor) -> None:
        self.counts, self.logits = counts, logits
        super().__init__(logits)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        log_zero, counted = logsigmoid(self.logits), self.counts.cell_log_prob(x) + logsigmoid(-self.logits)
        return torch.where(x == 0, torch.logaddexp(log_zero, counted), counted)

    @property
    def mean(self) -> Tensor:
        return torch.sigmoid(-self.logits) * self.counts.mean

    @property
    def variance(self) -> Tensor:
        kept, zero = torch.sigmoid(-self.logits), torch.sigmoid(self.logits)
        return kept * (self.counts.variance + zero * self.counts.mean**2)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            zero = self._noise(sample_shape, self.logits) < torch.sigmoid(self.logits)
            x = self.counts.sample(sample_shape)
            return torch.where(zero, x.new_zeros(()), x)
