"""The continuous Bernoulli likelihood for cells in the unit interval."""

from __future__ import annotations

__all__ = ["ContinuousBernoulliLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import ContinuousBernoulli
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec


class ContinuousBernoulliLikelihood(Likelihood):
    r"""$p(x|z) = \prod_d C(\lambda_d) \lambda_d^{x_d} (1 - \lambda_d)^{1 - x_d}$ with $\lambda = \sigma(\ell(z))$.

    Arguments:
        spec: What is known of the data.

    Example:
        >>> likelihood = ContinuousBernoulliLikelihood(DataSpec("unit", (4,)))
        >>> likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.rand(1, 4)).item()
        0.0

    References:
        | The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem &
        Cunningham, 2019)
        | https://arxiv.org/abs/1907.06845
    """

    space = "unit"

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)

    def forward(self, raw: Tensor) -> ContinuousBernoulli:
        return ContinuousBernoulli(raw.squeeze(2))
