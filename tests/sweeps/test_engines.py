"""What jobs ask of the engines; the engines themselves are tried by whole sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.configuration import ConfigTree, compose_job, instantiate
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.local import Local
from lvm_experiments.sweeps.outcome import settle
from lvm_experiments.sweeps.plan import ENGINES
from lvm_experiments.sweeps.slurm import Slurm

TREE = ConfigTree.default()


def task(*words: str) -> Task:
    made = compose_job(words, tree=TREE)
    config = to_plain(made.config, resolve=True)
    return Task("a", RunFolder("a"), {}, config, made.launcher)


def engine(one: Task, folder: Path) -> Any:
    assert one.launcher is not None
    made = instantiate(dict(one.launcher), "hydra.launcher", [ENGINES])
    made.sweep, made.tasks = folder, [one]
    return made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["trainer=gpu"], {"ntasks_per_node": 1, "gpus_per_node": 1, "nodes": 1, "time": 1440}),
        (
            ["trainer=gpu", "trainer.devices=4", "trainer.num_nodes=2"],
            {"ntasks_per_node": 4, "gpus_per_node": 4, "nodes": 2},
        ),
        (["trainer=cpu", "hydra.launcher.partition=short"], {"partition": "short", "ntasks_per_node": 1}),
        (["trainer=gpu", "hydra.launcher.mem_gb=8.5"], {"mem": "8.5GB"}),
        (
            ["+hydra.launcher.additional.qos=long"],
            {"additional_parameters": {"requeue": True, "open_mode": "append", "qos": "long"}},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_slurm_is_asked_for_what_the_trainer_needs(words: list[str], expected: dict[str, Any], tmp_path: Path) -> None:
    one = task("hydra/launcher=slurm", *words)
    slurm = engine(one, tmp_path)
    assert isinstance(slurm, Slurm)
    asked = slurm._parameters(one)
    assert {key: asked.get(key) for key in expected} == expected
    assert ("gpus_per_node" in asked) == ("trainer=cpu" not in words)


@pytest.mark.parametrize(
    ("words", "at_once", "impossible"),
    [
        (["hydra.launcher.gpus=[0,1]", "trainer=gpu"], 2, None),
        (["hydra.launcher.gpus=[0,1]", "trainer=gpu", "trainer.devices=2"], 1, None),
        (["hydra.launcher.gpus=[0,1]", "trainer=gpu", "trainer.devices=3"], None, "asks for 3 GPUs of 2"),
        (["hydra.launcher.gpus=[0,1]", "trainer=gpu", "hydra.launcher.gpus_per_job=0.5"], 4, None),
        (["hydra.launcher.gpus=[0,1]", "trainer=gpu", "hydra.launcher.jobs=1"], 1, None),
        (["hydra.launcher.gpus=[]", "trainer=cpu", "hydra.launcher.jobs=3"], 3, None),
        (["hydra.launcher.gpus=[]", "trainer=cpu", "trainer.devices=2", "hydra.launcher.jobs=3"], 3, None),
    ],
    ids=str,
)
def test_places_of_this_machine(words: list[str], at_once: int | None, impossible: str | None, tmp_path: Path) -> None:
    one = task("hydra/launcher=local", *words)
    local = engine(one, tmp_path)
    assert isinstance(local, Local)
    local.open(tmp_path, [one])
    assert local.impossible(one) == impossible
    if impossible is None:
        names = [Task(str(n), one.folder, {}, one.config) for n in range(9)]
        assert sum(local.room(name) for name in names) == at_once


@pytest.mark.parametrize(
    ("code", "said", "state", "reason"),
    [
        (-11, "", "failed", "killed by SIGSEGV"),
        (137, "", "failed", "out of memory: killed by SIGKILL, most likely by the system"),
        (3, "bad luck\n", "failed", "ended with exit code 3: bad luck"),
        (2, "seed: no\n", "refused", "seed: no"),
        (-15, "", "interrupted", "interrupted before it could save"),
    ],
)
def test_what_became_of_a_job_that_said_nothing(tmp_path: Path, code: int, said: str, state: str, reason: str) -> None:
    (tmp_path / "output.txt").write_text(said)
    facts = settle(RunFolder(tmp_path), code, attempt=0)
    assert (facts["state"], facts["reason"], facts["exit_code"]) == (state, reason, code)
