from __future__ import annotations

from typing import Any

import pytest

from lvm_experiments.configuration.composition import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.sweeps.identity import differences

FIRST = to_plain(compose([]), resolve=True)


@pytest.mark.parametrize(
    "words",
    [["logger=wandb"], ["paths.root=elsewhere"], ["paths.data_dir=/data"], ["trainer=gpu"], ["tags=[a]"],
     ["sweep.timeout=3"], ["callbacks.progress=null"], ["name=other"]],
    ids=str,
)  # fmt: skip
def test_the_same_job(words: list[str]) -> None:
    assert differences(FIRST, to_plain(compose(words), resolve=True)) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["seed=1"], ("seed", 0, 1)),
        (["trainer.max_epochs=7"], ("trainer.max_epochs", 100, 7)),
        (["trainer.precision=64-true"], ("trainer.precision", "32-true", "64-true")),
        (["data.batch_size=7"], ("data.batch_size", 128, 7)),
        (["evaluation.num_samples=3"], ("evaluation.num_samples", 100, 3)),
        (["callbacks.early_stopping.patience=3"], ("callbacks.early_stopping.patience", None, 3)),
        (["data.path=/elsewhere"], ("data.path", "<paths.data_dir>", "/elsewhere")),
    ],
    ids=str,
)
def test_another_job(words: list[str], expected: tuple[str, Any, Any]) -> None:
    assert expected in differences(FIRST, to_plain(compose(words), resolve=True))


def test_data_that_were_moved_are_the_same() -> None:
    one, other = ({"paths": {"data_dir": d}, "data": {"path": f"{d}/mnist"}} for d in ("/a", "/b"))
    assert differences(one, other) == []
