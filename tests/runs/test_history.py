from __future__ import annotations

import math
from pathlib import Path

import pytest

from lvm_experiments.runs import History


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.csv"


def fill(history: History, first: int, last: int) -> None:
    for epoch in range(first, last):
        history.add(5 * epoch, {"lr": 0.1})
        history.add(5 * epoch + 4, {"epoch": epoch, "val/elbo": -100 / (epoch + 1)})
        history.add(5 * epoch + 4, {"epoch": epoch, "train/elbo": -101.0})


def test_one_row_per_step_and_columns_as_they_come(path: Path) -> None:
    fill(History(path), 0, 2)
    assert path.read_text().splitlines() == [
        "epoch,step,lr,val/elbo,train/elbo",
        ",0,0.1,,",
        "0,4,,-100.0,-101.0",
        ",5,0.1,,",
        "1,9,,-50.0,-101.0",
    ]


def test_every_digit_is_kept(path: Path) -> None:
    values = [0.1 + 0.2, -1e-300, math.pi * 1e20, math.inf, math.nan]
    history = History(path)
    for step, value in enumerate(values):
        history.add(step, {"x": value})
    again = [float(row["x"]) for row in history.rows()]
    assert [repr(value) for value in again] == [repr(value) for value in values]


def test_another_process_goes_on_with_it(path: Path, tmp_path: Path) -> None:
    fill(History(path), 0, 2)
    fill(History(path), 2, 4)
    other = tmp_path / "whole.csv"
    fill(History(other), 0, 4)
    assert path.read_bytes() == other.read_bytes()


def test_another_process_may_complete_the_last_row(path: Path) -> None:
    History(path).add(3, {"a": 1.0})
    History(path).add(3, {"b": 2.0})
    assert History(path).rows() == [{"step": "3", "a": "1.0", "b": "2.0"}]


@pytest.mark.parametrize("steps", [1, 4, 5, 10, 15])
def test_cut_and_gone_on_with_it_is_as_if_never_stopped(steps: int, path: Path, tmp_path: Path) -> None:
    fill(History(path), 0, 3)
    History(path).add(99, {"test/nll": 1.0})
    History(path).cut(steps)
    assert all(int(row["step"]) < steps for row in History(path).rows())
    assert "test/nll" not in path.read_text()
    done = 5 if steps >= 5 else 0
    History(path).cut(done)
    fill(History(path), done // 5, 3)
    other = tmp_path / "whole.csv"
    fill(History(other), 0, 3)
    assert path.read_bytes() == other.read_bytes()


def test_cut_to_nothing_is_nothing(path: Path) -> None:
    fill(History(path), 0, 1)
    History(path).cut(0)
    assert not path.exists()
    History(path).cut(3)
    assert not path.exists()


@pytest.mark.parametrize("torn", ["1,9,,-5", "1,9,,-50.0,-101.0,7\n", "1,\n", "1,x,,1,2\n"])
def test_a_torn_row_is_no_row(torn: str, path: Path) -> None:
    fill(History(path), 0, 1)
    whole = path.read_bytes()
    with path.open("a") as file:
        file.write(torn)
    assert len(History(path).rows()) == 2
    History(path).add(4, {"epoch": 0})
    assert path.read_bytes() == whole


def test_a_shorter_number_replaces_a_longer_one(path: Path) -> None:
    history = History(path)
    history.add(0, {"a": 0.123456789})
    history.add(0, {"a": 0.5})
    history.add(1, {"a": 1.0})
    assert path.read_text().splitlines() == ["epoch,step,a", ",0,0.5", ",1,1.0"]


def test_names_may_hold_commas(path: Path) -> None:
    history = History(path)
    history.add(0, {'a,"b"': 1.0})
    assert history.rows() == [{"step": "0", 'a,"b"': "1.0"}]
