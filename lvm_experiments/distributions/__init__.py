"""Distributions that torch.distributions lacks, or that it computes too slowly or not exactly enough."""

__all__ = [
    "AutoregressiveCodes",
    "AutoregressivePixels",
    "Bernoulli",
    "BetaBinomial",
    "BetaObservation",
    "Binomial",
    "CategoricalObservation",
    "Cells",
    "ColourDiscretizedLogisticMixture",
    "Columns",
    "ContinuousBernoulli",
    "DiagonalNormal",
    "DiscretizedGaussian",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "FullNormalObservation",
    "HypersphericalUniform",
    "LaplaceObservation",
    "LogNormalObservation",
    "LogisticObservation",
    "LowRankNormal",
    "Mixture",
    "Multinomial",
    "NegativeBinomial",
    "NominalObservation",
    "NormalObservation",
    "Observation",
    "OneHot",
    "OptimalNormalObservation",
    "PlanarTransform",
    "Poisson",
    "PowerSpherical",
    "RadialTransform",
    "RelaxedOneHot",
    "SizedCounts",
    "StandardLaplace",
    "StandardNormal",
    "StraightThroughOneHot",
    "StudentTObservation",
    "SylvesterTransform",
    "TokenSequence",
    "UniformCodes",
    "VectorQuantised",
    "VonMisesFisher",
    "ZeroInflated",
    "analytic_kl",
    "draw_from",
    "kl_to_diagonal",
    "kl_to_standard",
    "representative",
]

from lvm_experiments.distributions.autoregressive_pixels import AutoregressivePixels
from lvm_experiments.distributions.bernoulli import Bernoulli
from lvm_experiments.distributions.beta_binomial import BetaBinomial
from lvm_experiments.distributions.beta_observation import BetaObservation
from lvm_experiments.distributions.binomial import Binomial
from lvm_experiments.distributions.categorical_observation import CategoricalObservation
from lvm_experiments.distributions.cells import Cells
from lvm_experiments.distributions.codes import AutoregressiveCodes, UniformCodes
from lvm_experiments.distributions.columns import Columns
from lvm_experiments.distributions.continuous_bernoulli import ContinuousBernoulli
from lvm_experiments.distributions.diagonal_normal import DiagonalNormal
from lvm_experiments.distributions.discretized_gaussian import DiscretizedGaussian
from lvm_experiments.distributions.discretized_logistic import DiscretizedLogistic
from lvm_experiments.distributions.discretized_logistic_mixture import (
    ColourDiscretizedLogisticMixture,
    DiscretizedLogisticMixture,
)
from lvm_experiments.distributions.draws import draw_from, representative
from lvm_experiments.distributions.full_normal_observation import FullNormalObservation
from lvm_experiments.distributions.hyperspherical_uniform import HypersphericalUniform
from lvm_experiments.distributions.kl import analytic_kl
from lvm_experiments.distributions.kl_to_diagonal import kl_to_diagonal, kl_to_standard
from lvm_experiments.distributions.laplace_observation import LaplaceObservation
from lvm_experiments.distributions.log_normal_observation import LogNormalObservation
from lvm_experiments.distributions.logistic_observation import LogisticObservation
from lvm_experiments.distributions.low_rank_normal import LowRankNormal
from lvm_experiments.distributions.mixture import Mixture
from lvm_experiments.distributions.multinomial import Multinomial
from lvm_experiments.distributions.negative_binomial import NegativeBinomial
from lvm_experiments.distributions.nominal_observation import NominalObservation
from lvm_experiments.distributions.normal_observation import NormalObservation
from lvm_experiments.distributions.observation import Observation
from lvm_experiments.distributions.one_hot import OneHot, RelaxedOneHot, StraightThroughOneHot
from lvm_experiments.distributions.optimal_normal_observation import OptimalNormalObservation
from lvm_experiments.distributions.planar import PlanarTransform
from lvm_experiments.distributions.poisson import Poisson
from lvm_experiments.distributions.power_spherical import PowerSpherical
from lvm_experiments.distributions.radial import RadialTransform
from lvm_experiments.distributions.sized_counts import SizedCounts
from lvm_experiments.distributions.standard_laplace import StandardLaplace
from lvm_experiments.distributions.standard_normal import StandardNormal
from lvm_experiments.distributions.student_t_observation import StudentTObservation
from lvm_experiments.distributions.sylvester import SylvesterTransform
from lvm_experiments.distributions.token_sequence import TokenSequence
from lvm_experiments.distributions.vector_quantised import VectorQuantised
from lvm_experiments.distributions.von_mises_fisher import VonMisesFisher
from lvm_experiments.distributions.zero_inflated import ZeroInflated
