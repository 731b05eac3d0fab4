from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.callbacks import Progress
from tests.callbacks.linear import train


def test_lines_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path, epochs=3, callbacks={"progress": Progress(line_seconds=0.0)})
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["epoch 1/3", "step 6"],
        ["epoch 2/3", "step 12"],
        ["epoch 3/3", "step 18"],
    ]
    assert all("val/loss " in line for line in lines)


def test_one_line_for_a_training_of_no_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path, epochs=3, callbacks={"progress": Progress(metrics=["train/loss"])})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("epoch 3/3  step 18  train/loss ")


def test_a_bar_in_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    train(tmp_path, epochs=3, callbacks={"progress": Progress(refresh_steps=5)})
    text = capsys.readouterr().err
    assert "epoch 3" in text
    assert "18/18" in text
    assert "val/loss" in text
