from __future__ import annotations

from pathlib import Path

from lvm_experiments.runs import History, RunFolder
from tests.callbacks.linear import train


def test_one_row_per_epoch_with_all_that_was_logged(tmp_path: Path) -> None:
    train(tmp_path, epochs=3)
    text = RunFolder(tmp_path).metrics.read_text().splitlines()
    assert text[0] == "epoch,step,val/loss,train/loss,train/rate"
    rows = History(RunFolder(tmp_path).metrics).rows()
    assert [(row["epoch"], row["step"]) for row in rows] == [("0", "5"), ("1", "11"), ("2", "17")]
    assert all(len(row) == 5 for row in rows)


def test_double_precision_is_kept(tmp_path: Path) -> None:
    _, model = train(tmp_path, epochs=1)
    (row,) = History(RunFolder(tmp_path).metrics).rows()
    value = float(row["train/loss"])
    assert repr(value) == row["train/loss"]
    assert value != float(model.layer.weight.new_tensor(value))  # more than a float32 holds


def test_nothing_is_written_by_building_it(tmp_path: Path) -> None:
    from lvm_experiments.loggers import HistoryLogger

    HistoryLogger(RunFolder(tmp_path))
    assert not list(tmp_path.iterdir())
