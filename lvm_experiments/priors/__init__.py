"""Priors p(z) over the latent variable."""

__all__ = ["Prior", "StandardNormalPrior"]

from lvm_experiments.priors.base import Prior
from lvm_experiments.priors.standard_normal import StandardNormalPrior
