"""Learning rates over training, where torch's own need something that only the run knows."""

from __future__ import annotations

from lvm_experiments.schedulers.cosine import CosineAnnealing

__all__ = ["CosineAnnealing"]
