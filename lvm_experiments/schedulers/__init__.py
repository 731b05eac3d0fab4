"""Learning rates over training, where torch's own need something that only the run knows, or have no such curve."""

from __future__ import annotations

from lvm_experiments.schedulers.cosine import CosineAnnealing
from lvm_experiments.schedulers.iwae_stages import IWAEStages

__all__ = ["CosineAnnealing", "IWAEStages"]
