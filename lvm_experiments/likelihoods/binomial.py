"""Binomial likelihoods for countable levels."""

from __future__ import annotations

__all__ = ["BetaBinomialLikelihood", "BinomialLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import BetaBinomial, Binomial
from lvm_experiments.likelihoods.bernoulli import logit_of_mean
from lvm_experiments.likelihoods.levels import LevelsLikelihood
from lvm_experiments.spec import DataSpec


class BinomialLikelihood(LevelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{Binomial}(x_d; n, \sigma(\ell_d(z)))$, n one less than there are levels.

    A grey level is read as so many successes; its variance is fixed by its mean.

    Arguments:
        spec: What is known of the data; n is `levels` - 1.

    Raises:
        ValueError: Where the data have no countable levels.

    Example:
        >>> likelihood = BinomialLikelihood(DataSpec("bytes", (4,), levels=17))
        >>> likelihood(torch.zeros(1, 1, 1, 4)).mean
        tensor([[[8., 8., 8., 8.]]])
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.trials = spec.levels - 1

    def forward(self, raw: Tensor) -> Binomial:
        return Binomial(raw.squeeze(2), self.trials)

    def link(self, mean: Tensor) -> Tensor:
        return logit_of_mean(mean / self.trials)


class BetaBinomialLikelihood(LevelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{BetaBinomial}(x_d; n, a_d(z), b_d(z))$, n one less than there are levels.

    The decoder predicts the logit of the mean and the log of $a_d + b_d$, by which a cell may vary more than a
    binomial, up to mass at both ends only.

    Arguments:
        spec: What is known of the data; n is `levels` - 1.

    Raises:
        ValueError: Where the data have no countable levels.

    Example:
        >>> BetaBinomialLikelihood(DataSpec("bytes", (4,), levels=256)).parameter_shape
        (2, 4)

    References:
        | Practical lossless compression with latent variables using bits back coding (Townsend, Bird & Barber, 2019)
        | https://arxiv.org/abs/1901.04866
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.trials = spec.levels - 1

    def forward(self, raw: Tensor) -> BetaBinomial:
        logits, log_concentration = raw.unbind(2)
        return BetaBinomial(logits, log_concentration, self.trials)

    def link(self, mean: Tensor) -> Tensor:
        return logit_of_mean(mean / self.trials)
