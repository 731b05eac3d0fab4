"""Optimisers of published recipes that torch does not have."""

__all__ = ["AdamNormGrad", "IWAEAdam"]

from lvm_experiments.optimizers.adam_norm_grad import AdamNormGrad
from lvm_experiments.optimizers.iwae_adam import IWAEAdam
