"""Priors p(z) over the latent variable."""

__all__ = [
    "AutoregressiveCodesPrior",
    "BoundedVampPrior",
    "CategoricalPrior",
    "ConditionalNormalPrior",
    "DiagonalNormalPrior",
    "DirichletLaplacePrior",
    "ExemplarPrior",
    "HypersphericalUniformPrior",
    "LaplacePrior",
    "MAFPrior",
    "MixtureOfNormalsPrior",
    "NSFPrior",
    "Prior",
    "StandardNormalPrior",
    "UniformCategoricalPrior",
    "UniformCodesPrior",
    "VampPrior",
]

from lvm_experiments.priors.base import Prior
from lvm_experiments.priors.bounded_vampprior import BoundedVampPrior
from lvm_experiments.priors.categorical import CategoricalPrior, UniformCategoricalPrior
from lvm_experiments.priors.codes import AutoregressiveCodesPrior, UniformCodesPrior
from lvm_experiments.priors.conditional_normal import ConditionalNormalPrior
from lvm_experiments.priors.diagonal_normal import DiagonalNormalPrior
from lvm_experiments.priors.dirichlet_laplace import DirichletLaplacePrior
from lvm_experiments.priors.exemplar import ExemplarPrior
from lvm_experiments.priors.flow import MAFPrior, NSFPrior
from lvm_experiments.priors.hyperspherical_uniform import HypersphericalUniformPrior
from lvm_experiments.priors.laplace import LaplacePrior
from lvm_experiments.priors.mixture_of_normals import MixtureOfNormalsPrior
from lvm_experiments.priors.standard_normal import StandardNormalPrior
from lvm_experiments.priors.vampprior import VampPrior
