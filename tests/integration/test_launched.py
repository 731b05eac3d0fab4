"""A run whose processes something else has started: they share one folder, though nobody has named it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lvm_experiments.app import main
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.launch import Launch, find_launch, tell_lightning
from tests.integration.small import ALLOWED, SMALL, outcome, spy
from tests.support.program import run

WORDS = [*SMALL, "data.limit=101", "trainer.max_epochs=2", "trainer.devices=2", "name=x", "paths.root=out", ALLOWED]


def test_torchrun_gives_one_run_and_goes_on_with_it(tmp_path: Path) -> None:
    """One of its processes dies in the second epoch; torchrun starts both again, and the run goes on."""
    (tmp_path / "torchrun").mkdir()
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1", "-m"]
    killed = spy("SecondDiesOnce", step=4)
    done = subprocess.run(
        [sys.executable, "-m", *launcher, "lvm_experiments", *WORDS, "trainer=ddp", killed],
        cwd=tmp_path / "torchrun", capture_output=True, text=True, timeout=180,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test/nll") == 1
    (folder,) = (tmp_path / "torchrun" / "out" / "runs" / "x").iterdir()
    status = read_status(RunFolder(folder))
    assert (status["state"], status["attempt"]) == ("completed", 2)
    (tmp_path / "alone").mkdir()
    ended = run(*WORDS, "trainer=ddp_sim", cwd=tmp_path / "alone")
    assert ended.code == 0, ended.err
    (alone,) = (tmp_path / "alone" / "out" / "runs" / "x").iterdir()
    assert outcome(folder) == outcome(alone)


SRUN = {
    "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NTASKS": "2",
    "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NUM_NODES": "1",
}  # fmt: skip
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "0", "WORLD_SIZE": "4"}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        (SRUN, Launch("srun", 2)),
        (SRUN | {"SLURM_RESTART_COUNT": "1"}, Launch("srun", 2, again=1)),
        (SRUN | {"SLURM_STEP_NUM_TASKS": "1"}, None),  # a shell that srun has started, say
        ({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, None),  # in a batch script, without srun
        (TORCHRUN, Launch("torchrun", 4)),
        (TORCHRUN | {"TORCHELASTIC_RESTART_COUNT": "2"}, Launch("torchrun", 4, again=2)),
        ({"LOCAL_RANK": "1"}, Launch("a launcher", None)),
    ],
)
def test_what_has_started_a_process(env: dict[str, str], expected: Launch | None) -> None:
    assert find_launch(env) == expected


def test_tasks_of_a_step_have_one_name_when_they_are_put_back_too() -> None:
    names = {Launch("srun", 2).agreed(own, SRUN | {"SLURM_PROCID": rank}) for own, rank in (("a", "0"), ("b", "1"))}
    assert names == {"slurm-7-0"}
    assert Launch("srun", 2).agreed("c", SRUN | {"SLURM_STEP_ID": "1"}) == "slurm-7-1"
    assert Launch("a launcher", 2).agreed("c", {}) is None


def test_lightning_is_told_how_many_tasks_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in SRUN.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE", raising=False)
    tell_lightning(Launch("srun", 2))
    assert os.environ.pop("SLURM_NTASKS_PER_NODE") == "2"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["trainer=cpu"],
            "trainer.devices: srun has started 2 processes, and this asks for 1; "
            "choose trainer=ddp with as many devices\n",
        ),
        (["-m", "seed=0,1"], "-m: its processes are started by itself; leave out the launcher around it\n"),
        (
            ["hparams_search=optuna"],
            "hparams_search: its processes are started by itself; leave out the launcher around it\n",
        ),
    ],
)
def test_what_no_launcher_should_be_around(
    words: list[str], line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for key, value in (SRUN | {"SLURM_PROCID": "0", "SLURM_LOCALID": "0"}).items():
        monkeypatch.setenv(key, value)
    assert main(words) == 2
    assert capsys.readouterr().err == line
    assert not list(tmp_path.iterdir())
