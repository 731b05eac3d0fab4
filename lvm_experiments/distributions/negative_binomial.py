"""Independent negative binomial cells, by mean and inverse dispersion."""

from __future__ import annotations

__all__ = ["NegativeBinomial"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import softplus
from torch.types import _size

from lvm_experiments.distributions.inversion import gamma_from, poisson_from
from lvm_experiments.distributions.log_rising import log_rising
from lvm_experiments.distributions.observation import Observation
from lvm_experiments.distributions.poisson import MAX_LOG_RATE

_RANGE = 20.0  # of log theta: above it is a Poisson, below it a spike at 0


class NegativeBinomial(Observation):
    r"""Counts of mean $\mu$ and variance $\mu + \mu^2 / \theta$: a Poisson whose rate is gamma distributed.

    $$ p(x) = \frac{\Gamma(x + \theta)}{\Gamma(\theta) \, x!}
        \left(\frac{\theta}{\theta + \mu}\right)^\theta \left(\frac{\mu}{\theta + \mu}\right)^x $$

    Arguments:
        log_mean: $\log \mu$, shape `(K, B, *shape)`; larger ones count as `MAX_LOG_RATE`.
        log_inverse_dispersion: $\log \theta$, broadcasting against it; held within [-20, 20].

    Example:
        >>> p = NegativeBinomial(torch.zeros(1, 1, 1), torch.zeros(()))  # geometric of mean 1
        >>> p.log_prob(torch.full((1, 1), 2.0)).exp()
        tensor([[0.1250]])

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, log_mean: Tensor, log_inverse_dispersion: Tensor) -> None:
        self.log_mean = log_mean.clamp_max(MAX_LOG_RATE)
        self.log_theta = log_inverse_dispersion.clamp(-_RANGE, _RANGE)
        super().__init__(log_mean)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = x.to(self.log_mean.dtype)
        theta, logit = self.log_theta.exp(), self.log_mean - self.log_theta
        # log theta / (theta + mu) and log mu / (theta + mu), which never subtract two logarithms.
        stopped, went_on = softplus(logit, threshold=40.0), softplus(-logit, threshold=40.0)
        return log_rising(theta, x) - torch.lgamma(x + 1) - theta * stopped - x * went_on

    @property
    def mean(self) -> Tensor:
        return self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean + torch.exp(2 * self.log_mean - self.log_theta)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            rate = gamma_from(self._noise(sample_shape, self.log_mean), self.log_theta.exp())
            rate = rate * torch.exp(self.log_mean - self.log_theta)
            return poisson_from(self._noise(sample_shape, self.log_mean), rate)
