"""Sweeps and runs on a real Slurm, of one machine; skipped where its daemons are not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import slurm

pytest.importorskip("submitit")
pytestmark = pytest.mark.skipif(bool(slurm.missing()), reason=f"there is no {', '.join(slurm.missing())} here")

FINAL = ("results.json", "examples.npz", "metrics.csv")


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with slurm.cluster(tmp_path_factory.mktemp("slurm")) as found:
        yield found


def numbers(path: Path) -> dict[str, bytes]:
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in sorted(path.rglob("*")) if f.name in FINAL}


def until(happens: Callable[[], Any], program: subprocess.Popen[str], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        assert program.poll() is None, program.communicate()[0]
        time.sleep(0.1)


@pytest.mark.slow
def test_a_job_that_is_displaced_goes_on_and_the_table_is_the_local_one(
    make_sweeps: Callable[[str], Any], env: dict[str, str]
) -> None:
    there, here = make_sweeps("slurm"), make_sweeps("local")
    words = ("trainer.max_epochs=50,2", "+callbacks.patience={_target_: moody_data.Patience}")
    asked = ("hydra/launcher=slurm", "hydra.launcher.poll_seconds=0.3", "hydra.launcher.array_parallelism=1")
    program = there.start(*words, *asked, **env)
    last = there.path / "50" / "checkpoints" / "last.ckpt"
    until(last.exists, program)
    slurm.said(env, "sbatch", "--partition=high", "--exclusive", "--wrap=true", "--output=/dev/null")
    until(lambda: there.states()["50"] in ("interrupted", "stale"), program)
    job = (there.path / "50" / ".slurm_job").read_text().strip()
    # Slurm would let it wait for two minutes.
    state = ("squeue", "--noheader", "--array", "--format=%T", f"--jobs={job}")
    until(lambda: "PENDING" in slurm.said(env, *state), program)
    until(lambda: not slurm.said(env, "squeue", "--noheader", "--partition=high"), program)
    slurm.said(env, "scontrol", "update", f"JobId={job}", "StartTime=now")
    said, _ = program.communicate(timeout=300)
    assert program.returncode == 0, said
    assert {name: facts["attempt"] for name, facts in there.statuses().items()} == {"50": 2, "2": 1}
    code, local = here.run(*words)
    assert code == 0, local
    assert numbers(there.path) == numbers(here.path)
    assert len(numbers(here.path)) == 2 * len(FINAL)
    tables = [
        [line.split()[:2] + line.split()[3:] for line in text.splitlines() if "completed" in line and "[" not in line]
        for text in (said, local)
    ]
    assert tables[0] == tables[1]
    (array,) = (path.name for path in (there.path / ".slurm").glob("*_submitted.pkl") if "_0_" in path.name)
    assert "_" in array


@pytest.mark.slow
def test_processes_that_srun_starts_are_one_run(make_sweeps: Callable[[str], Any], env: dict[str, str]) -> None:
    sweeps = make_sweeps("srun")
    words = ["model.latent_dim=2", "model.encoder.hidden=[4]", "model.decoder.hidden=[4]", "data.limit=64"]
    words += ["data.validation=32", "data.test=32", "evaluation.num_samples=4", "callbacks.progress=null", "logger=csv"]
    words += [
        "evaluation.chunk=4",
        "callbacks.summary=null",
        "trainer=ddp",
        "trainer.accelerator=cpu",
        "trainer.devices=2",
    ]
    words += ["trainer.max_epochs=2", "paths.root=out", "name=x"]
    program = [sys.executable, "-m", "lvm_experiments", *words]
    environment = {**os.environ, **env, "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    for command in (["srun", "--ntasks=2", "--kill-on-bad-exit", *program], program):
        done = subprocess.run(command, cwd=sweeps.root, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("test/nll") == 1, done.stdout
    one, other = sorted((sweeps.root / "out" / "runs" / "x").iterdir(), key=lambda path: "slurm" not in path.name)
    assert one.name.startswith("slurm-")
    assert json.loads((one / "status.json").read_text())["state"] == "completed"
    assert numbers(one) == numbers(other)
