"""Independent cells that take one of several values, from logits."""

from __future__ import annotations

__all__ = ["CategoricalObservation"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class CategoricalObservation(Observation):
    r"""Cells in {0, .., n - 1} with $\log p(x = i) = \ell_i - \log \sum_j e^{\ell_j}$.

    The logits are all that is held at full size: the normaliser is one number a cell, and its gradient is
    computed anew from it.

    Arguments:
        logits: $\ell$, shape `(K, B, n, *shape)`.

    Example:
        >>> p = CategoricalObservation(torch.zeros(1, 1, 4, 2))
        >>> p.log_prob(torch.tensor([[0.0, 3.0]])).exp()
        tensor([[0.0625]])
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        self.levels = logits.shape[2]
        super().__init__(logits[:, :, 0])

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.levels - 1), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        shape = self.batch_shape + self.event_shape
        chosen = self.logits.gather(2, x.long().expand(shape).unsqueeze(2)).squeeze(2)
        return chosen - torch.logsumexp(self.logits, 2)

    def _moment(self, values: Tensor) -> Tensor:
        return torch.tensordot(torch.softmax(self.logits, 2), values, dims=([2], [0]))

    def _levels(self) -> Tensor:
        return torch.arange(self.levels, dtype=self.logits.dtype, device=self.logits.device)

    @property
    def mean(self) -> Tensor:
        return self._moment(self._levels())

    @property
    def variance(self) -> Tensor:
        # About the middle of the levels, which loses fewer digits than about 0.
        centred = self._levels() - (self.levels - 1) / 2
        return (self._moment(centred**2) - self._moment(centred) ** 2).clamp_min(0)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            u = self._noise(sample_shape, self.logits[:, :, 0])
            below = torch.softmax(self.logits, 2).cumsum(2).movedim(2, -1).contiguous()
            draws = u.reshape(-1, *below.shape[:-1]).movedim(0, -1).contiguous()
            # The last sum need not be 1 to the bit.
            x = torch.searchsorted(below, draws, right=True).clamp_max(self.levels - 1)
            return x.movedim(-1, 0).reshape(u.shape).to(u)
