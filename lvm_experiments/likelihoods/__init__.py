"""Likelihoods p(x|z): from a decoder's raw output to a distribution over observations."""

__all__ = [
    "BernoulliLikelihood",
    "ContinuousBernoulliLikelihood",
    "DiscretizedLogisticLikelihood",
    "FixedGaussianLikelihood",
    "GaussianLikelihood",
    "Likelihood",
    "PerDimensionGaussianLikelihood",
    "PredictedGaussianLikelihood",
    "SoftBernoulliLikelihood",
]

from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.likelihoods.bernoulli import BernoulliLikelihood, SoftBernoulliLikelihood
from lvm_experiments.likelihoods.continuous_bernoulli import ContinuousBernoulliLikelihood
from lvm_experiments.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood
from lvm_experiments.likelihoods.gaussian import (
    FixedGaussianLikelihood,
    GaussianLikelihood,
    PerDimensionGaussianLikelihood,
    PredictedGaussianLikelihood,
)
