"""What happens around training: checkpoints, interruption, early stopping, progress."""

from __future__ import annotations

from lvm_experiments.callbacks.base import Bindable, Monitor, build_callbacks
from lvm_experiments.callbacks.checkpoint import Checkpoint
from lvm_experiments.callbacks.early_stopping import EarlyStopping
from lvm_experiments.callbacks.interruption import Interruption
from lvm_experiments.callbacks.progress import Progress
from lvm_experiments.callbacks.pruning import Pruned, Pruning
from lvm_experiments.callbacks.summary import Summary

__all__ = [
    "Bindable",
    "Checkpoint",
    "EarlyStopping",
    "Interruption",
    "Monitor",
    "Progress",
    "Pruned",
    "Pruning",
    "Summary",
    "build_callbacks",
]
