"""Latent variable models: what is put together."""

__all__ = ["VAE", "Draw", "Evidence", "LatentVariableModel", "Step"]

from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.models.draw import Draw, Step
from lvm_experiments.models.evidence import Evidence
from lvm_experiments.models.vae import VAE
