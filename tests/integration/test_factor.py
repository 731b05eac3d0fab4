"""An objective with a discriminator, over several processes and after an interruption."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from tests.integration.small import ALLOWED, STEPS, outcome, spy, words
from tests.support.program import run

FACTOR = ["objective=factor", "objective.hidden=[8]"]
QUIET = [
    *FACTOR,
    "objective._target_=tests.support.quiet_factor.QuietFactor",
    "model=discretized_logistic_vae",
    "optimizer=sgd",
    "optimizer.lr=0.001",
    "trainer.precision=64-true",
    "data.limit=101",  # batches of 50, 50 and 1: in the last one a rank has nothing to do
    ALLOWED,
]


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    folders = [RunFolder(tmp_path / name) for name in ("one", "two")]
    for folder, given in zip(folders, (["trainer=cpu"], ["trainer=ddp_sim", "trainer.devices=2"]), strict=True):
        ended = run(*words(folder.path, *given, *QUIET, epochs=1))
        assert ended.code == 0, ended.err
    one, two = (read_checkpoint(folder.last)["state_dict"] for folder in folders)
    names = [name for name in one if name != "_extra_state"]
    assert any(name.startswith("objective.discriminator") for name in names)
    for name in names:
        assert torch.allclose(one[name], two[name], rtol=0, atol=1e-12), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    ended = run(*words(folder, *FACTOR, epochs=2))
    assert ended.code == 0, ended.err
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_it_goes_on_as_if_nothing_had_happened(number: int, code: int, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    stop = spy("Signal", hook="on_train_batch_start", call=STEPS + 3, number=int(number))
    assert run(*words(folder, *FACTOR, stop, epochs=2, spies=True)).code == code
    assert read_status(RunFolder(folder))["state"] in ("interrupted", "stale")
    finished = run(f"resume={folder}", ALLOWED)
    assert finished.code == 0, finished.err
    assert outcome(folder) == outcome(whole)
    first, second = (read_checkpoint(RunFolder(path).last)["state_dict"] for path in (whole, folder))
    discriminator = [name for name in first if name.startswith("objective.discriminator")]
    assert discriminator
    assert all(torch.equal(first[name], second[name]) for name in discriminator)
