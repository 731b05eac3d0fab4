"""Approximate posteriors q(z|x): from an encoder's features to a distribution over the latent variable."""

__all__ = [
    "CategoricalPosterior",
    "ClippedNormalPosterior",
    "DiagonalNormalPosterior",
    "FullNormalPosterior",
    "GradientVectorQuantisedPosterior",
    "HouseholderSylvesterPosterior",
    "IAFPosterior",
    "LowRankNormalPosterior",
    "NSFPosterior",
    "OrthogonalSylvesterPosterior",
    "PlanarPosterior",
    "Posterior",
    "PowerSphericalPosterior",
    "RadialPosterior",
    "RelaxedCategoricalPosterior",
    "SemiAmortisedPosterior",
    "SoftplusNormalPosterior",
    "StraightThroughCategoricalPosterior",
    "TriangularSylvesterPosterior",
    "VectorQuantisedPosterior",
    "VonMisesFisherPosterior",
]

from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.posteriors.categorical import (
    CategoricalPosterior,
    RelaxedCategoricalPosterior,
    StraightThroughCategoricalPosterior,
)
from lvm_experiments.posteriors.clipped_normal import ClippedNormalPosterior
from lvm_experiments.posteriors.diagonal_normal import DiagonalNormalPosterior
from lvm_experiments.posteriors.full_normal import FullNormalPosterior
from lvm_experiments.posteriors.iaf import IAFPosterior
from lvm_experiments.posteriors.low_rank_normal import LowRankNormalPosterior
from lvm_experiments.posteriors.nsf import NSFPosterior
from lvm_experiments.posteriors.planar import PlanarPosterior
from lvm_experiments.posteriors.power_spherical import PowerSphericalPosterior
from lvm_experiments.posteriors.radial import RadialPosterior
from lvm_experiments.posteriors.semi_amortised import SemiAmortisedPosterior
from lvm_experiments.posteriors.softplus_normal import SoftplusNormalPosterior
from lvm_experiments.posteriors.sylvester import (
    HouseholderSylvesterPosterior,
    OrthogonalSylvesterPosterior,
    TriangularSylvesterPosterior,
)
from lvm_experiments.posteriors.vector_quantised import GradientVectorQuantisedPosterior, VectorQuantisedPosterior
from lvm_experiments.posteriors.von_mises_fisher import VonMisesFisherPosterior
