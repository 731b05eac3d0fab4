"""Independent beta-binomial cells."""

from __future__ import annotations

__all__ = ["BetaBinomial"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import logsigmoid
from torch.types import _size

from lvm_experiments.distributions.inversion import levels_from
from lvm_experiments.distributions.negative_binomial import log_negative_binomial
from lvm_experiments.distributions.observation import Observation

_RANGE = 20.0  # of log a and log b: below it a cell is 0 or n, above it the distribution is binomial


class BetaBinomial(Observation):
    r"""Cells in {0, .., n}: successes among n trials whose probability is Beta(a, b) distributed.

    $$ p(x) = \binom{n}{x} \frac{B(x + a, n - x + b)}{B(a, b)} , \quad a = s \sigma(\ell), \; b = s \sigma(-\ell) $$

    so that $n \sigma(\ell)$ is the mean and $s = a + b$ says how near it is to a binomial.

    Arguments:
        logits: $\ell$, shape `(K, B, *shape)`.
        log_concentration: $\log s$, likewise.
        trials: n.

    Example:
        >>> p = BetaBinomial(torch.zeros(1, 1, 1), torch.tensor(2.0).log().expand(1, 1, 1), trials=4)
        >>> p.log_prob(torch.ones(1, 1)).exp()  # a = b = 1 is uniform
        tensor([[0.2000]])
    """

    def __init__(self, logits: Tensor, log_concentration: Tensor, trials: int) -> None:
        self.trials = trials
        self.log_a = (log_concentration + logsigmoid(logits)).clamp(-_RANGE, _RANGE)
        self.log_b = (log_concentration + logsigmoid(-logits)).clamp(-_RANGE, _RANGE)
        self.a, self.b = self.log_a.exp(), self.log_b.exp()
        super().__init__(logits)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.trials), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = x.to(self.a.dtype)
        n = x.new_tensor(float(self.trials))
        # What two negative binomial counts are given their total n, whose mean is n here; any would do.
        log_total = torch.logaddexp(self.log_a, self.log_b)
        logit = n.log() - log_total
        hits, misses = (log_negative_binomial(*each) for each in ((x, logit, self.log_a), (n - x, logit, self.log_b)))
        return hits + misses - log_negative_binomial(n, logit, log_total)

    @property
    def mean(self) -> Tensor:
        return self.trials * self.a / (self.a + self.b)

    @property
    def variance(self) -> Tensor:
        total = self.a + self.b
        share = (self.a / total) * (self.b / total)
        return self.trials * share * (total + self.trials) / (total + 1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return levels_from(self._noise(sample_shape, self.a), self.cell_log_prob, self.trials + 1)
