"""Latent variable models: what is put together."""

__all__ = ["VAE", "ConditionalVAE", "Draw", "Evidence", "HierarchicalVAE", "LadderVAE", "LatentVariableModel", "Step"]

from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.models.conditional import ConditionalVAE
from lvm_experiments.models.draw import Draw, Step
from lvm_experiments.models.evidence import Evidence
from lvm_experiments.models.hierarchical import HierarchicalVAE
from lvm_experiments.models.ladder import LadderVAE
from lvm_experiments.models.vae import VAE
