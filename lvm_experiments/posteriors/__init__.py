"""Approximate posteriors q(z|x): from an encoder's features to a distribution over the latent variable."""

__all__ = ["DiagonalNormalPosterior", "Posterior"]

from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.posteriors.diagonal_normal import DiagonalNormalPosterior
