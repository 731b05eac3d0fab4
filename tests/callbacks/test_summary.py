"""The table of parts."""

from __future__ import annotations

import pytest
from pytorch_lightning import LightningModule, Trainer
from torch import nn

from lvm_experiments.callbacks import Summary


class Parts(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(9, 100), nn.Linear(100, 3))
        self.fixed = nn.Linear(7, 1).requires_grad_(False)


def table(depth: int, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    summary = Summary(depth)
    trainer = Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, callbacks=[summary]
    )
    capsys.readouterr()
    summary.on_fit_start(trainer, Parts())
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_parts_and_their_sizes_and_nothing_that_nobody_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(1, capsys) == [
        ["part", "class", "parameters"],
        ["encoder", "Sequential", "1.3", "K"],
        ["fixed", "Linear", "8"],
        ["all", "8", "not", "trained", "1.3", "K"],
    ]
    assert [line[0] for line in table(2, capsys)] == ["part", "encoder", "encoder.0", "encoder.1", "fixed", "all"]
    assert table(0, capsys) == []
