"""Callbacks that runs of the tests name in their configuration, to look at a run and to end it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer, callbacks

from lvm_experiments.callbacks import Monitor
from lvm_experiments.runs import RunFolder
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class Seen(Callback):
    """Writes down which examples every training step saw, to `seen.txt`: a line `epoch step example ...`.

    Arguments:
        pause: Seconds to wait in every batch, so that a run can be met in the middle of something.
    """

    def __init__(self, pause: NonNegativeFloat = 0.0) -> None:
        self.pause = pause

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        self.path = folder.path / "seen.txt"

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, number: int
    ) -> None:
        # Of the first rank, where there are several.
        with self.path.open("a") if trainer.global_rank == 0 else open(os.devnull, "a") as file:
            file.write(f"{trainer.current_epoch} {number} {' '.join(map(str, batch.index.tolist()))}\n")
        time.sleep(self.pause)

    def on_validation_batch_end(self, *args: Any) -> None:
        time.sleep(self.pause)


def seen(folder: Path) -> dict[tuple[int, int], list[int]]:
    """Examples by (epoch, step); a step done again after a resume has to see the same ones."""
    found: dict[tuple[int, int], list[int]] = {}
    for line in (folder / "seen.txt").read_text().splitlines():
        epoch, step, *examples = map(int, line.split())
        assert found.setdefault((epoch, step), examples) == examples, (epoch, step)
    return found


class Signal(Callback):
    """Sends its process a signal, once in the life of a run folder.

    Arguments:
        hook: In this hook; or before or after a file gets its final name, as in `before last.ckpt`.
        call: When it is reached for this time.
        number: The signal: 9, 15 or 2.
    """

    def __init__(self, hook: str, call: PositiveInt = 1, number: PositiveInt = 9) -> None:
        self.hook, self.left, self.number = hook, call, number

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        self.mark = folder.path / "signalled"
        if self.mark.exists():
            return
        moment, _, name = self.hook.rpartition(" ")
        if moment:
            os.replace = self._around(os.replace, name, moment)
        else:
            setattr(self, self.hook, self._reached)

    def _around(self, replace: Callable[..., None], name: str, moment: str) -> Callable[..., None]:
        def replaced(source: Any, target: Any) -> None:
            mine = Path(target).name == name
            if mine and moment == "before":
                self._reached()
            replace(source, target)
            if mine and moment == "after":
                self._reached()

        return replaced

    def _reached(self, *args: Any) -> None:
        self.left -= 1
        if self.left == 0:
            self.mark.touch()
            os.kill(os.getpid(), self.number)


class LateSignal(Signal, callbacks.Checkpoint):
    """The same, after the callbacks that write checkpoints: Lightning calls those of this kind last."""


class Fail(Callback):
    """Raises at the start of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            raise ZeroDivisionError("on purpose")


class Spoil(Callback):
    """Puts a NaN into the first parameter before a step."""

    def __init__(self, step: PositiveInt) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, number: int) -> None:
        if trainer.global_step == self.step:
            next(iter(module.parameters())).data.flatten()[0] = float("nan")


class SeenByRank(Callback):
    """Writes down which examples every training step of every rank saw, to `rankN.txt`."""

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        self.folder = folder.path

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, number: int) -> None:
        with (self.folder / f"rank{trainer.global_rank}.txt").open("a") as file:
            file.write(" ".join(map(str, batch.index.tolist())) + "\n")


class SignalParent(Signal):
    """The same, sent by the second of two forked ranks to the process that forked them."""

    def _reached(self, *args: Any) -> None:
        self.left -= int(os.environ.get("LOCAL_RANK") == "1")
        if self.left == 0:
            self.left = -1
            self.mark.touch()
            os.kill(os.getppid(), self.number)
            time.sleep(0.5)


class Worse(Callback):
    """Spoils the parameters before the validation of an epoch, so that it is worse than the others."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            for parameter in module.parameters():
                parameter.data.mul_(-5.0)


class SecondDiesOnce(Callback):
    """Kills the second of the processes that torchrun has started, the first time it has started them."""

    def __init__(self, step: PositiveInt) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, module: LightningModule, batch: Any, number: int) -> None:
        first = os.environ.get("TORCHELASTIC_RESTART_COUNT") == "0"
        if first and trainer.global_rank == 1 and trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)
