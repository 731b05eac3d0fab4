"""Negative binomial likelihoods for counts that vary more than a Poisson's."""

from __future__ import annotations

__all__ = [
    "NegativeBinomialLikelihood",
    "PredictedNegativeBinomialLikelihood",
    "ZeroInflatedNegativeBinomialLikelihood",
]

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import NegativeBinomial, Observation, ZeroInflated
from lvm_experiments.likelihoods.counts import CountLikelihood, log_of_counts
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import CountSize


class NegativeBinomialLikelihood(CountLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{NB}(x_d; \mu_d(z), \theta_d)$ of variance $\mu_d + \mu_d^2 / \theta_d$.

    The decoder gives $\log \mu_d$; the inverse dispersion $\theta_d$ is learned, one for each dimension.

    Arguments:
        spec: What is known of the data.
        size: `predicted`, or `observed`: means are shares of x's own total, which is conditioned on.

    Example:
        >>> likelihood = NegativeBinomialLikelihood(DataSpec("counts", (4,)))
        >>> likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).exp().item()
        0.0625

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec, size)
        self.log_inverse_dispersion = nn.Parameter(torch.zeros(spec.shape))

    def forward(self, raw: Tensor) -> Observation:
        return self.counts(raw.squeeze(2), lambda mean: NegativeBinomial(mean, self.log_inverse_dispersion))

    def link(self, mean: Tensor) -> Tensor:
        return log_of_counts(mean)


class PredictedNegativeBinomialLikelihood(CountLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{NB}(x_d; \mu_d(z), \theta_d(z))$: mean and inverse dispersion are predicted.

    Arguments:
        spec: What is known of the data.
        size: `predicted`, or `observed`: means are shares of x's own total, which is conditioned on.

    Example:
        >>> PredictedNegativeBinomialLikelihood(DataSpec("counts", (4,))).parameter_shape
        (2, 4)

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec, size)

    def forward(self, raw: Tensor) -> Observation:
        log_mean, log_theta = raw.unbind(2)
        return self.counts(log_mean, lambda mean: NegativeBinomial(mean, log_theta))

    def link(self, mean: Tensor) -> Tensor:
        return log_of_counts(mean)


class ZeroInflatedNegativeBinomialLikelihood(CountLikelihood):
    r"""$p(x_d|z) = \pi_d(z) \, [x_d = 0] + (1 - \pi_d(z)) \, \mathrm{NB}(x_d; \mu_d(z), \theta_d)$.

    The decoder gives $\log \mu_d$ and the logit of $\pi_d$, a zero that has another cause; the inverse dispersion
    $\theta_d$ is learned, one for each dimension.

    Arguments:
        spec: What is known of the data.
        size: `predicted`, or `observed`: means are shares of x's own total, which is conditioned on.

    Example:
        >>> ZeroInflatedNegativeBinomialLikelihood(DataSpec("counts", (4,))).parameter_shape
        (2, 4)

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec, size)
        self.log_inverse_dispersion = nn.Parameter(torch.zeros(spec.shape))

    def forward(self, raw: Tensor) -> Observation:
        log_mean, zero = raw.unbind(2)
        return self.counts(
            log_mean, lambda mean: ZeroInflated(NegativeBinomial(mean, self.log_inverse_dispersion), zero)
        )
