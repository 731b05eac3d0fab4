from __future__ import annotations

from pathlib import Path

import pytest
from pytorch_lightning.callbacks import LearningRateMonitor

from lvm_experiments.callbacks import Checkpoint, Monitor, Progress, build_callbacks
from lvm_experiments.errors import RequestError
from lvm_experiments.runs import RunFolder


def test_callbacks_are_told_of_their_run(tmp_path: Path) -> None:
    folder, monitor = RunFolder(tmp_path), Monitor("val/elbo")
    checkpoint, progress, other = Checkpoint(), Progress(), LearningRateMonitor()
    parts = {"checkpoint": checkpoint, "off": None, "progress": progress, "other": other}
    assert build_callbacks(parts, folder, monitor) == [checkpoint, progress, other]
    assert checkpoint.monitor is monitor
    assert progress.metrics == ("train/elbo", "val/elbo")
    assert build_callbacks(None, folder, monitor) == []


def test_what_is_no_callback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"callbacks\.wrong: int is no callback"):
        build_callbacks({"wrong": 3}, RunFolder(tmp_path), Monitor("val/elbo"))


@pytest.mark.parametrize("name", ["val/elbow", "val/rate"])
def test_what_cannot_be_judged_by_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match=r"^monitor: "):
        Monitor(name)
