"""best.ckpt and last.ckpt: what is evaluated, and what a killed run goes on from."""

from __future__ import annotations

__all__ = ["Checkpoint"]

import math
import os
from pathlib import Path
from typing import Any

from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning import LightningModule, Trainer, callbacks

from lvm_experiments.callbacks import loops
from lvm_experiments.callbacks.base import Monitor
from lvm_experiments.callbacks.random_state import random_state, restore_random_state
from lvm_experiments.errors import RequestError
from lvm_experiments.runs.checkpoint_file import read_checkpoint, write_checkpoint
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.types import PositiveInt


class Checkpoint(callbacks.Checkpoint):
    """Keeps the best and the last state of a run.

    Both are written when an epoch is over in every respect: validated, metrics logged, schedulers
    stepped. That is at the start of the next epoch or the end of training; the hook
    `on_train_epoch_end` comes before the schedulers, and a run resumed from there would miss a step
    of those that watch a metric. The best one is written first: whoever finds the last one finds
    the best one that it knows of.

    Not Lightning's `ModelCheckpoint`, whose state holds absolute paths, so that a moved folder
    forgets its best score, and whose files are not written atomically where the folder for
    temporary files is on another file system.

    Files hold tensors and plain containers only, and the states of the random generators.

    Arguments:
        every_n_train_steps: Write last.ckpt also within epochs, after this many updates; None for epochs that are
            short.
        latest: Whether the last state counts as the best one, and so is the one that is measured; else the monitored
            metric decides.

    Attributes:
        best_score: The monitored metric of the best one, as it was last measured; None before there is one.
    """

    def __init__(self, every_n_train_steps: PositiveInt | None = None, *, latest: bool = False) -> None:
        super().__init__()
        self.every_n_train_steps, self.latest = every_n_train_steps, latest
        self.best_score: float | None = None
        self._saved_step = 0
        self._validated = False
        self._random: list[dict[str, Any]] | None = None

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        """Takes the folder to write to and the metric to judge by."""
        self.folder, self.monitor = folder, monitor

    def save_last(self, trainer: Trainer) -> None:
        """Writes last.ckpt. All processes of the run have to call it."""
        self._saved_step = trainer.global_step
        trainer.save_checkpoint(self.folder.last, weights_only=False)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        trainer.strategy.checkpoint_io = PlainCheckpointIO()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._random is not None:
            restore_random_state(self._random)
            self._random = None
        if loops.between_epochs(trainer):
            loops.continue_after_epoch(trainer)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        every = self.every_n_train_steps
        if every is None or loops.updates(trainer) % every or trainer.global_step == self._saved_step:
            return
        if loops.can_save_here(trainer):
            self.save_last(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._validated = self._validated or not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loops.continue_epoch(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer, final=True)

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score = state_dict["best_score"]

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint["random"] = random_state()
        checkpoint["logged_steps"] = loops.logged_steps(trainer)
        loops.close_epoch(trainer, checkpoint)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._random = checkpoint["random"]
        self._saved_step = checkpoint["global_step"]

    def _save(self, trainer: Trainer, *, final: bool = False) -> None:
        if trainer.global_step == self._saved_step:
            return
        score = self._score(trainer)
        improves = self.latest or self.monitor.improves(score, self.best_score)
        if improves:
            self.best_score = score
        # Where nothing was validated, the last one is the best one as well.
        if improves or (final and self.best_score is None):
            trainer.save_checkpoint(self.folder.best, weights_only=False)
        self.save_last(trainer)

    def _score(self, trainer: Trainer) -> float:
        """The monitored metric, the same on all processes; NaN where there is none yet."""
        value = trainer.callback_metrics.get(self.monitor.name)
        if value is None and self._validated:
            raise RequestError(
                f"no {self.monitor.name} is measured while training",
                where="monitor",
                hint=f"there are {', '.join(sorted(trainer.callback_metrics))}",
            )
        return trainer.strategy.broadcast(math.nan if value is None else float(value))


class PlainCheckpointIO(TorchCheckpointIO):
    """Checkpoints as plain data, written atomically whatever the file systems."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        write_checkpoint(Path(path), checkpoint)

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Any = None,
        weights_only: bool | None = True,  # noqa: FBT001, FBT002 - Lightning's
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path))
