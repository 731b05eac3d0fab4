"""How training is going: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

__all__ = ["Progress"]

import math
import time
from collections.abc import Sequence
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from lvm_experiments.callbacks import loops
from lvm_experiments.callbacks.base import Monitor
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class Progress(Callback):
    """Shows the epoch, its training bound and the metric the run is judged by.

    It reads what has been logged for the checkpoints anyway, at the end of an epoch: values logged
    with `prog_bar=True` would cost half a millisecond a step.

    Arguments:
        refresh_steps: Steps between two movements of the bar, which cost 0.1 ms each.
        line_seconds: Where the output is no terminal: the least time between two lines, of which
            there is one at the end of an epoch and always one at the end of training.
        metrics: What to show besides the monitored metric.
    """

    def __init__(
        self,
        refresh_steps: PositiveInt = 50,
        line_seconds: NonNegativeFloat = 5.0,
        metrics: Sequence[str] = ("train/elbo",),
    ) -> None:
        self.refresh_steps, self.line_seconds = refresh_steps, line_seconds
        self.metrics = tuple(metrics)
        self._console = Console(stderr=True)
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._started = self._said = 0.0

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        """Takes the metric to show."""
        self.metrics = tuple(dict.fromkeys((*self.metrics, monitor.name)))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._started = self._said = time.monotonic()
        if not trainer.is_global_zero or not self._console.is_terminal:
            return
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=self._console,
            auto_refresh=False,  # its thread would take turns with training
        )
        self._task = self._bar.add_task("", total=_total_steps(trainer), metrics="")
        self._bar.start()
        self._move(trainer)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self._bar is not None and trainer.global_step % self.refresh_steps == 0:
            self._move(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # The end of the epoch before, when everything of it has been logged.
        if self._bar is not None:
            self._move(trainer)
        elif trainer.current_epoch and time.monotonic() - self._said >= self.line_seconds:
            self._say(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._bar is None:
            self._say(trainer)
        else:
            self._move(trainer)
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._close()

    def _move(self, trainer: Trainer) -> None:
        assert self._bar is not None
        self._bar.update(
            self._task,
            completed=loops.updates(trainer),
            description=f"epoch {min(trainer.current_epoch + 1, _epochs(trainer))}",
            metrics=self._numbers(trainer),
            refresh=True,
        )

    def _say(self, trainer: Trainer) -> None:
        if not trainer.is_global_zero:
            return
        self._said = time.monotonic()
        limit = _epochs(trainer)
        parts = (
            f"epoch {trainer.current_epoch}" + ("" if math.isinf(limit) else f"/{limit}"),
            f"step {loops.updates(trainer)}",
            self._numbers(trainer),
            f"{self._said - self._started:.1f} s",
        )
        line = "  ".join(part for part in parts if part)
        self._console.print(line, highlight=False, soft_wrap=True)

    def _numbers(self, trainer: Trainer) -> str:
        known = trainer.callback_metrics
        return "  ".join(f"{name} {float(known[name]):.2f}" for name in self.metrics if name in known)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _epochs(trainer: Trainer) -> float:
    limit = trainer.max_epochs
    return math.inf if limit is None or limit < 0 else limit


def _total_steps(trainer: Trainer) -> float | None:
    steps, limit = trainer.estimated_stepping_batches, trainer.max_steps
    if limit >= 0:
        steps = min(steps, limit // max(1, len(trainer.optimizers)))
    return steps if 0 <= steps < math.inf else None
