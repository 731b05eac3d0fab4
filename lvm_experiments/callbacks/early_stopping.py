"""An end of training once the monitored metric has stopped improving."""

from __future__ import annotations

__all__ = ["EarlyStopping"]

from math import inf

import torch
from pytorch_lightning import LightningModule, Trainer, callbacks
from pytorch_lightning.callbacks.early_stopping import EarlyStoppingReason

from lvm_experiments.callbacks.base import Monitor
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.types import NonNegativeFloat, NonNegativeInt, PositiveInt


class EarlyStopping(callbacks.EarlyStopping):
    """Lightning's early stopping, on the metric the run is judged by, and exact across a resume.

    Arguments:
        patience: Validations in a row without an improvement; None never stops.
        min_delta: What is less than this is no improvement, in units of the metric.
        warm_up: Epochs in which none is counted, though the best one is kept: a bound whose rate is not yet whole
            rises and falls for reasons of its own.
    """

    def __init__(
        self,
        patience: PositiveInt | None = None,
        min_delta: NonNegativeFloat = 0.0,
        warm_up: NonNegativeInt = 0,
    ) -> None:
        super().__init__(monitor="", patience=patience or inf, strict=False)  # type: ignore[arg-type]
        self._margin, self.warm_up = min_delta, warm_up

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        """Takes the metric and its direction."""
        self.monitor, self.mode = monitor.name, monitor.mode
        sign = 1.0 if monitor.mode == "max" else -1.0
        self.min_delta = sign * self._margin
        self.best_score = torch.tensor(-sign * inf)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Lightning restores the reason to stop, and then trains on.
        if self.stopping_reason is not EarlyStoppingReason.NOT_STOPPED:
            trainer.should_stop = True

    def _run_early_stopping_check(self, trainer: Trainer) -> None:
        if trainer.current_epoch < self.warm_up:
            self.wait_count = -1  # this one makes it 0
        super()._run_early_stopping_check(trainer)

    def _should_skip_check(self, trainer: Trainer) -> bool:
        return self.patience == inf or super()._should_skip_check(trainer)
