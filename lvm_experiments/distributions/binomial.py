"""Independent binomial cells, from logits."""

from __future__ import annotations

__all__ = ["Binomial"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from lvm_experiments.distributions.inversion import levels_from
from lvm_experiments.distributions.log_poisson import log_peak, log_poisson
from lvm_experiments.distributions.observation import Observation


class Binomial(Observation):
    r"""Cells in {0, .., n}, the number of successes among n trials.

    $$ \log p(x \mid \ell) = \log \binom{n}{x} + x \ell - n \log(1 + e^\ell) $$

    It is computed as what two Poisson counts, of successes and of failures, are given their total n, for
    `log_poisson` keeps its digits.

    Arguments:
        logits: $\ell$ of one trial, shape `(K, B, *shape)`.
        trials: n.

    Example:
        >>> Binomial(torch.zeros(1, 1, 1), trials=2).log_prob(torch.ones(1, 1)).exp()
        tensor([[0.5000]])
    """

    def __init__(self, logits: Tensor, trials: int) -> None:
        self.logits, self.trials = logits, trials
        super().__init__(logits)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.trials), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = x.to(self.logits.dtype)
        n = x.new_tensor(float(self.trials))
        hits = log_poisson(x, n.log() + logsigmoid(self.logits))
        return hits + log_poisson(n - x, n.log() + logsigmoid(-self.logits)) - log_peak(n)

    @property
    def mean(self) -> Tensor:
        return self.trials * torch.sigmoid(self.logits)

    @property
    def variance(self) -> Tensor:
        return self.trials * torch.sigmoid(self.logits) * torch.sigmoid(-self.logits)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return levels_from(self._noise(sample_shape, self.logits), self.cell_log_prob, self.trials + 1)
