"""Poisson likelihoods for counts."""

from __future__ import annotations

__all__ = ["PoissonLikelihood", "ZeroInflatedPoissonLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import Observation, Poisson, ZeroInflated
from lvm_experiments.likelihoods.counts import CountLikelihood, log_of_counts
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import CountSize


class PoissonLikelihood(CountLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{Poisson}(x_d; \lambda_d(z))$, the decoder gives $\log \lambda_d$.

    Arguments:
        spec: What is known of the data.
        size: `predicted`, or `observed`: rates are shares of x's own total, which is conditioned on.

    Example:
        >>> likelihood = PoissonLikelihood(DataSpec("counts", (4,)))
        >>> likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4))
        tensor([[-4.]])
    """

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec, size)

    def forward(self, raw: Tensor) -> Observation:
        return self.counts(raw.squeeze(2), Poisson)

    def link(self, mean: Tensor) -> Tensor:
        return log_of_counts(mean)


class ZeroInflatedPoissonLikelihood(CountLikelihood):
    r"""$p(x_d|z) = \pi_d(z) \, [x_d = 0] + (1 - \pi_d(z)) \, \mathrm{Poisson}(x_d; \lambda_d(z))$.

    Arguments:
        spec: What is known of the data.
        size: `predicted`, or `observed`: rates are shares of x's own total, which is conditioned on.

    Example:
        >>> ZeroInflatedPoissonLikelihood(DataSpec("counts", (4,))).parameter_shape
        (2, 4)

    References:
        | Zero-inflated Poisson regression, with an application to defects in manufacturing (Lambert, 1992)
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec, size)

    def forward(self, raw: Tensor) -> Observation:
        log_rate, zero = raw.unbind(2)
        return self.counts(log_rate, lambda rate: ZeroInflated(Poisson(rate), zero))
