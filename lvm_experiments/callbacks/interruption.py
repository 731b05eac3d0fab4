"""SIGTERM and Ctrl-C during training: finish the batch, save, and say so."""

from __future__ import annotations

__all__ = ["Interruption"]

from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning import LightningModule, Trainer, callbacks

from lvm_experiments.callbacks import loops
from lvm_experiments.callbacks.checkpoint import Checkpoint
from lvm_experiments.errors import Interrupted
from lvm_experiments.runs.signals import Signals


class Interruption(callbacks.Checkpoint):
    """Ends training at the first SIGTERM or SIGINT in a state that can be gone on from exactly.

    Within an epoch that is the end of the current batch, with last.ckpt written there. During
    validation, and between the last batch of an epoch and its validation, nothing is written: the
    last.ckpt from before stands, and what follows it will be computed again, to the same numbers.
    A second signal does what it does to any program.

    It is a checkpoint callback for Lightning, which runs those last: when it raises, all others
    have seen the batch. It takes the place of Lightning's own handler, which would end the
    program where no exact state can be saved.

    Raises:
        Interrupted: Out of `Trainer.fit`, on every process of the run.
    """

    def __init__(self) -> None:
        super().__init__()
        self._signals: Signals | None = None
        self._received = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._received = 0
        self._signals = Signals(self._note).__enter__()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        number = self._agreed(trainer)
        if number and loops.can_save_here(trainer):
            for callback in trainer.checkpoint_callbacks:
                if isinstance(callback, Checkpoint):
                    callback.save_last(trainer)
            raise Interrupted(number)

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        # One process may have more batches than another, and must not leave it waiting.
        if self._received and trainer.world_size == 1:
            raise Interrupted(self._received)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._raise_if_agreed(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._raise_if_agreed(trainer)
        self._restore()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._restore()

    def _note(self, number: int) -> None:
        self._received = number

    def _raise_if_agreed(self, trainer: Trainer) -> None:
        if number := self._agreed(trainer):
            raise Interrupted(number)

    def _agreed(self, trainer: Trainer) -> int:
        """The signal any of the run's processes has received; 0 for none."""
        if trainer.world_size == 1 or self._signals is None:
            return self._received
        number = torch.tensor(self._received, device=trainer.strategy.root_device)
        dist.all_reduce(number, dist.ReduceOp.MAX)
        return int(number)

    def _restore(self) -> None:
        if self._signals is not None:
            self._signals.__exit__(None, None, None)
            self._signals = None
