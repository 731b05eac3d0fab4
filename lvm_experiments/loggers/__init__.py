"""Where the numbers of a run are shown, besides its own folder."""

from __future__ import annotations

from lvm_experiments.loggers.base import (
    ExampleLogger,
    RunLogger,
    build_loggers,
    close_loggers,
    log_examples,
    log_figures,
    log_results,
)
from lvm_experiments.loggers.history import HistoryLogger
from lvm_experiments.loggers.mlflow import MlflowLogger
from lvm_experiments.loggers.tensorboard import TensorBoardLogger
from lvm_experiments.loggers.wandb import WandbLogger

__all__ = [
    "ExampleLogger",
    "HistoryLogger",
    "MlflowLogger",
    "RunLogger",
    "TensorBoardLogger",
    "WandbLogger",
    "build_loggers",
    "close_loggers",
    "log_examples",
    "log_figures",
    "log_results",
]
