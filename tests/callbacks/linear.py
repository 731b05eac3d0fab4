"""A run small enough to be killed many times: a linear model, and a loader with a position."""

from __future__ import annotations

import lvm_experiments  # noqa: F401 - before anything imports torchvision

# isort: split
import logging
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor

from lvm_experiments.callbacks import Checkpoint, EarlyStopping, Interruption, Monitor, build_callbacks
from lvm_experiments.errors import Interrupted
from lvm_experiments.loggers.history import HistoryLogger
from lvm_experiments.runs import RunFolder, Status
from lvm_experiments.runs.rewind import rewind

MONITOR = "val/loss"


class Loader:
    """Rows of a fixed data set, in an order that is a function of the epoch."""

    def __init__(self, batches: int, *, shuffle: bool) -> None:
        self.batches, self.shuffle = batches, shuffle
        self.epoch = self.position = 0

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Tensor]:
        if self.position == self.batches or not self.shuffle:
            self.epoch, self.position = self.epoch + self.shuffle, 0
        order = torch.randperm(self.batches, generator=torch.Generator().manual_seed(self.epoch))
        while self.position < self.batches:
            number = int(order[self.position]) if self.shuffle else self.position
            self.position += 1
            yield torch.cat([torch.tensor([[float(number)]]), torch.linspace(-1, 1, 3)[None]], 1)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]


class Linear(LightningModule):
    """Fits a line, with noise from the global generator, and writes down which rows it has seen."""

    def __init__(self, *, pause: float = 0.0, plateau: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(3, 1)
        self.pause, self.plateau = pause, plateau
        self.register_buffer("total", torch.zeros((), dtype=torch.float64))
        self.register_buffer("seen", torch.zeros(64, dtype=torch.int64))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        time.sleep(self.pause)
        loss = (self.layer(batch[:, 1:]) - batch[:, 0] + torch.randn(1)).square().mean()
        self.total += loss.detach()
        self.seen[int(batch[0, 0])] += 1
        return loss

    def on_train_epoch_end(self) -> None:
        self.log("train/loss", self.total.clone())
        self.log("train/rate", float(self.trainer.optimizers[0].param_groups[0]["lr"]))
        self.total.zero_()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        time.sleep(self.pause)
        loss = (self.layer(batch[:, 1:]) - batch[:, 0]).square().mean()
        self.log("val/loss", loss, batch_size=1)

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        if not self.plateau:
            return optimizer
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "monitor": "val/loss"},
        }


def train(
    path: Path | str,
    *,
    epochs: int = 4,
    batches: int = 6,
    pause: float = 0.0,
    plateau: bool = False,
    patience: int | None = None,
    every: int | None = None,
    callbacks: dict[str, Any] | None = None,
    **trainer: Any,
) -> tuple[Trainer, Linear]:
    """Begins a run, or goes on with it."""
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    folder, monitor = RunFolder(path), Monitor(MONITOR)
    parts = {
        "checkpoint": Checkpoint(every),
        "early_stopping": EarlyStopping(patience),
        "interruption": Interruption(),
    }
    with Status(folder, heartbeat=0.2):
        start = rewind(folder)
        model = Linear(pause=pause, plateau=plateau)
        fitter = Trainer(
            accelerator="cpu",
            max_epochs=epochs,
            num_sanity_val_steps=0,
            log_every_n_steps=1000,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=build_callbacks(parts | (callbacks or {}), folder, monitor),
            logger=[HistoryLogger(folder)],
            default_root_dir=folder.path,
            **trainer,
        )
        fitter.fit(
            model,
            Loader(batches, shuffle=True),
            Loader(3, shuffle=False),
            ckpt_path=start,
            weights_only=True,
        )
    return fitter, model


def start(path: Path, **options: Any) -> BaseProcess:
    """Trains in a process of its own, forked from this one, which has imported everything."""

    def run() -> None:
        try:
            train(path, **options)
        except Interrupted as interrupted:
            sys.exit(interrupted.exit_code)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    return process


def wait_for(happened: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Waits until something has happened."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
