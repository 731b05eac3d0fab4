from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.callbacks import EarlyStopping, Monitor
from lvm_experiments.runs import History, RunFolder
from tests.callbacks.linear import train
from tests.callbacks.test_checkpoint import Crash, crash


def test_it_stops_when_nothing_improves(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, epochs=30, patience=2)
    losses = [float(r["val/loss"]) for r in _rows(tmp_path)]
    best = losses.index(min(losses))
    assert trainer.current_epoch == len(losses) == best + 3 < 30


def test_without_patience_it_never_does(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, epochs=30)
    assert trainer.current_epoch == 30


def test_a_run_that_had_stopped_does_not_train_on(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, epochs=30, patience=1)
    again, _ = train(tmp_path, epochs=60, patience=1)
    assert again.global_step == trainer.global_step


def test_a_run_killed_before_the_end_of_training_stops_where_it_would_have(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path / "whole", epochs=30, patience=1)
    parts = {"crash": crash("on_train_end", 1)}
    with pytest.raises(Crash):
        train(tmp_path / "a", epochs=30, patience=1, callbacks=parts)
    again, _ = train(tmp_path / "a", epochs=30, patience=1)
    assert again.global_step == trainer.global_step


@pytest.mark.parametrize("warm_up", [5, 12])
def test_in_a_warm_up_none_is_counted(warm_up: int, tmp_path: Path) -> None:
    """Nothing improves after the first: it stops so many validations after the warm-up, also when resumed in it."""
    stopping = {"early_stopping": EarlyStopping(patience=3, min_delta=1e6, warm_up=warm_up)}
    trainer, _ = train(tmp_path / "whole", epochs=30, callbacks=stopping)
    assert trainer.current_epoch == warm_up + 3
    for epochs in (warm_up - 1, warm_up + 1, 30):
        stopping = {"early_stopping": EarlyStopping(patience=3, min_delta=1e6, warm_up=warm_up)}
        trainer, _ = train(tmp_path / "pieces", epochs=epochs, callbacks=stopping)
    assert trainer.current_epoch == warm_up + 3


@pytest.mark.parametrize(("name", "sign"), [("val/elbo", 1), ("val/nll", -1)])
def test_the_direction_is_the_metric_s(name: str, sign: int, tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=3, min_delta=0.5)
    stopping.bind(RunFolder(tmp_path), Monitor(name))
    assert stopping.min_delta == sign * 0.5
    assert float(stopping.best_score) == -sign * float("inf")


def _rows(path: Path) -> list[dict[str, str]]:
    return History(path / "metrics.csv").rows()
