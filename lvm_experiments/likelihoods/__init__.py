"""Likelihoods p(x|z): from a decoder's raw output to a distribution over observations."""

__all__ = [
    "AutoregressiveBernoulliLikelihood",
    "AutoregressiveCategoricalLikelihood",
    "AutoregressiveDiscretizedLogisticLikelihood",
    "AutoregressiveTokensLikelihood",
    "BernoulliLikelihood",
    "BetaBinomialLikelihood",
    "BetaLikelihood",
    "BinomialLikelihood",
    "CategoricalLikelihood",
    "ContinuousBernoulliLikelihood",
    "DiscretizedGaussianLikelihood",
    "DiscretizedLogisticLikelihood",
    "DiscretizedLogisticMixtureLikelihood",
    "FixedGaussianLikelihood",
    "FixedStudentTLikelihood",
    "GaussianLikelihood",
    "HeterogeneousLikelihood",
    "LaplaceLikelihood",
    "Likelihood",
    "LogisticLikelihood",
    "MultinomialLikelihood",
    "NegativeBinomialLikelihood",
    "OptimalGaussianLikelihood",
    "PerDimensionGaussianLikelihood",
    "PoissonLikelihood",
    "PredictedGaussianLikelihood",
    "PredictedLaplaceLikelihood",
    "PredictedLogisticLikelihood",
    "PredictedNegativeBinomialLikelihood",
    "PredictedStudentTLikelihood",
    "SoftBernoulliLikelihood",
    "StudentTLikelihood",
    "ZeroInflatedNegativeBinomialLikelihood",
    "ZeroInflatedPoissonLikelihood",
]

from lvm_experiments.likelihoods.autoregressive_pixels import (
    AutoregressiveBernoulliLikelihood,
    AutoregressiveCategoricalLikelihood,
    AutoregressiveDiscretizedLogisticLikelihood,
)
from lvm_experiments.likelihoods.autoregressive_tokens import AutoregressiveTokensLikelihood
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.likelihoods.bernoulli import BernoulliLikelihood, SoftBernoulliLikelihood
from lvm_experiments.likelihoods.beta import BetaLikelihood
from lvm_experiments.likelihoods.binomial import BetaBinomialLikelihood, BinomialLikelihood
from lvm_experiments.likelihoods.categorical import CategoricalLikelihood
from lvm_experiments.likelihoods.continuous_bernoulli import ContinuousBernoulliLikelihood
from lvm_experiments.likelihoods.discretized_gaussian import DiscretizedGaussianLikelihood
from lvm_experiments.likelihoods.discretized_logistic import DiscretizedLogisticLikelihood
from lvm_experiments.likelihoods.discretized_logistic_mixture import DiscretizedLogisticMixtureLikelihood
from lvm_experiments.likelihoods.gaussian import (
    FixedGaussianLikelihood,
    GaussianLikelihood,
    PerDimensionGaussianLikelihood,
    PredictedGaussianLikelihood,
)
from lvm_experiments.likelihoods.gaussian_optimal import OptimalGaussianLikelihood
from lvm_experiments.likelihoods.heterogeneous import HeterogeneousLikelihood
from lvm_experiments.likelihoods.laplace import LaplaceLikelihood, PredictedLaplaceLikelihood
from lvm_experiments.likelihoods.logistic import LogisticLikelihood, PredictedLogisticLikelihood
from lvm_experiments.likelihoods.multinomial import MultinomialLikelihood
from lvm_experiments.likelihoods.negative_binomial import (
    NegativeBinomialLikelihood,
    PredictedNegativeBinomialLikelihood,
    ZeroInflatedNegativeBinomialLikelihood,
)
from lvm_experiments.likelihoods.poisson import PoissonLikelihood, ZeroInflatedPoissonLikelihood
from lvm_experiments.likelihoods.student_t import (
    FixedStudentTLikelihood,
    PredictedStudentTLikelihood,
    StudentTLikelihood,
)
