"""Latent variable models: what is put together, and the exact ones."""

__all__ = [
    "M2",
    "VAE",
    "BernoulliMixture",
    "ConditionalVAE",
    "DiscreteContinuousVAE",
    "Draw",
    "Evidence",
    "ExactModel",
    "FactorAnalysis",
    "GaussianMixture",
    "HierarchicalVAE",
    "LadderVAE",
    "LatentVariableModel",
    "ProbabilisticPCA",
    "ResidualLadderVAE",
    "Step",
]

from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.models.bernoulli_mixture import BernoulliMixture
from lvm_experiments.models.conditional import ConditionalVAE
from lvm_experiments.models.discrete_continuous import DiscreteContinuousVAE
from lvm_experiments.models.draw import Draw, Step
from lvm_experiments.models.evidence import Evidence
from lvm_experiments.models.exact import ExactModel
from lvm_experiments.models.gaussian_mixture import GaussianMixture
from lvm_experiments.models.hierarchical import HierarchicalVAE
from lvm_experiments.models.ladder import LadderVAE
from lvm_experiments.models.linear_gaussian import FactorAnalysis, ProbabilisticPCA
from lvm_experiments.models.m2 import M2
from lvm_experiments.models.residual_ladder import ResidualLadderVAE
from lvm_experiments.models.vae import VAE
