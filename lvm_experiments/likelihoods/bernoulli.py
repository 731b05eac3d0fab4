"""The Bernoulli likelihood for binary cells."""

from __future__ import annotations

__all__ = ["BernoulliLikelihood", "SoftBernoulliLikelihood", "logit_of_mean"]

import torch
from torch import Tensor

from lvm_experiments.distributions import Bernoulli
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec

_RARE = 1e-3  # the least probability to begin with


class BernoulliLikelihood(Likelihood):
    r"""$p(x|z) = \prod_d \mathrm{Bernoulli}(x_d; \sigma(\ell_d(z)))$ for x in {0, 1}.

    Arguments:
        spec: What is known of the data.

    Example:
        >>> likelihood = BernoulliLikelihood(DataSpec("binary", (1, 8, 8), levels=2))
        >>> likelihood(torch.zeros(3, 5, 1, 1, 8, 8)).log_prob(torch.ones(5, 1, 8, 8)).shape
        torch.Size([3, 5])
    """

    space = "binary"

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)

    def forward(self, raw: Tensor) -> Bernoulli:
        return Bernoulli(raw.squeeze(2))

    def link(self, mean: Tensor) -> Tensor:
        return logit_of_mean(mean)


class SoftBernoulliLikelihood(BernoulliLikelihood):
    """The Bernoulli's cross-entropy against grey values in [0, 1], as much published code uses it.

    It is no density: what is reported with it is labelled "not a log-likelihood".

    Arguments:
        spec: What is known of the data.

    Example:
        >>> likelihood = SoftBernoulliLikelihood(DataSpec("unit", (4,)))
        >>> likelihood.normalised
        False

    References:
        | The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem &
        Cunningham, 2019)
        | https://arxiv.org/abs/1907.06845
    """

    space = "unit"
    normalised = False

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        observed = x if mask is None else x[mask.expand_as(x)]
        if not bool(((observed >= 0) & (observed <= 1)).all()):
            raise ValueError("soft targets of a Bernoulli are values in [0, 1], and the data hold others")


def logit_of_mean(mean: Tensor) -> Tensor:
    """The logit of mean cells, clipped as Burda et al. (2015) do: of pixels that are always off there is none."""
    return torch.logit(mean, _RARE)
