"""Independent negative binomial cells, by mean and inverse dispersion."""

from __future__ import annotations

__all__ = ["NegativeBinomial", "log_negative_binomial"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.nn.functional import softplus
from torch.types import _size

from lvm_experiments.distributions.inversion import gamma_from, poisson_from
from lvm_experiments.distributions.log_poisson import log_peak, log_poisson, shortfall
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
        return log_negative_binomial(x.to(self.log_mean.dtype), self.log_mean - self.log_theta, self.log_theta)

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


def log_negative_binomial(x: Tensor, logit: Tensor, log_theta: Tensor) -> Tensor:
    r"""The log mass of counts x by the logit $\log \mu / \theta$ of going on, and $\log \theta$.

    With $n = x + \theta$ and p = $\mu / (\theta + \mu)$ it is $\theta / n$ times what x would be among n trials if
    $\theta$ were whole; as in `Binomial`, terms that are large cancel on paper.

    Arguments:
        x: Counts.
        logit: Broadcasting against them.
        log_theta: Likewise.

    Example:
        >>> log_negative_binomial(torch.tensor(2.0), torch.zeros(()), torch.zeros(())).exp()
        tensor(0.1250)
    """
    theta = log_theta.exp()
    n = x + theta
    log_n = torch.log(n)
    # -log theta / (theta + mu) and -log mu / (theta + mu), which never subtract two logarithms.
    stopped, went_on = softplus(logit, threshold=40.0), softplus(-logit, threshold=40.0)
    trials = log_poisson(x, log_n - went_on) + shortfall(theta, log_n - log_theta - stopped)
    several = trials + log_peak(theta) - log_peak(n) + log_theta - log_n
    return torch.where(x > 0, several, -theta * stopped)
