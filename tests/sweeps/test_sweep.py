"""Whole sweeps, with everything that may happen to them."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

FINAL = ("results.json", "examples.npz", "metrics.csv")


def numbers(path: Path) -> dict[str, bytes]:
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in sorted(path.rglob("*")) if f.name in FINAL}


def until(happens: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_running(sweeps: Any, since: float) -> Callable[[], bool]:
    def look() -> bool:
        files = list(sweeps.path.rglob("status.json"))
        return any('"running"' in f.read_text() and f.stat().st_mtime > since for f in files)

    return look


def alive_in(folder: Path) -> list[int]:
    """Processes whose output goes to a file below a folder: jobs, and whatever they started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            target = os.readlink(process / "fd" / "1")
        except OSError:
            continue
        if target.startswith(str(folder)):
            found.append(int(process.name))
    return found


def test_killed_at_random_and_started_again_it_ends_as_if_nothing_had_been(make_sweeps: Callable[[str], Any]) -> None:
    sweeps, other = make_sweeps("killed"), make_sweeps("undisturbed")
    words = ("model.latent_dim=2,3", "seed=0,1", "trainer.max_epochs=40")
    chance = random.Random(0)
    completed: dict[str, int] = {}
    for _ in range(2):
        begun, program = time.time(), sweeps.start(*words)
        until(is_running(sweeps, begun))
        time.sleep(chance.uniform(0.0, 0.7))
        assert program.poll() is None  # it is killed, and has not come to its end
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()
        attempts = {n: f["attempt"] for n, f in sweeps.statuses().items() if f["state"] == "completed"}
        assert completed.items() <= attempts.items()
        completed = attempts
        until(lambda: not alive_in(sweeps.path), 5.0)
    code, said = sweeps.run(*words)
    assert (code, set(sweeps.states().values())) == (0, {"completed"}), said
    assert completed.items() <= {n: f["attempt"] for n, f in sweeps.statuses().items()}.items()
    assert other.run(*words)[0] == 0
    assert numbers(sweeps.path) == numbers(other.path)
    assert len(numbers(sweeps.path)) == 4 * len(FINAL)


def test_jobs_that_fail_cost_only_themselves_and_are_tried_again(sweeps: Any) -> None:
    moods = "good,raises,eats,eats_arrays,is_killed,hangs,hangs_on"
    code, said = sweeps.run(f"data.mood={moods}", "sweep.timeout=6", "sweep.grace=0.5", "hydra.launcher.jobs=3")
    assert code == 1
    for name in ("eats", "eats_arrays"):  # torch and numpy say in words of their own how much they asked for
        reason = sweeps.statuses()[name]["reason"]
        assert reason.startswith("out of memory: "), reason
        assert "allocate" in reason, reason
    reasons = {name: (facts["state"], facts["reason"]) for name, facts in sweeps.statuses().items()}
    assert {name: found for name, found in reasons.items() if "eats" not in name} == {
        "good": ("completed", None),
        "raises": ("failed", "ZeroDivisionError: one line"),
        "is_killed": ("failed", "out of memory: killed by SIGKILL, most likely by the system"),
        "hangs": ("failed", "timed out after 6 s"),
        "hangs_on": ("failed", "timed out after 6 s"),
    }
    for name, (state, reason) in reasons.items():
        told = (reason or state)[:60]  # the table wraps longer ones
        lines = [line for line in said.splitlines() if name in line.split() and told in line]
        assert len(lines) == 2, said  # when it happened, and in the table
    assert "in load" in (sweeps.path / "raises" / "traceback.txt").read_text()
    assert "Traceback" not in said
    assert alive_in(sweeps.path) == []

    # Editing what data the mood stands for would be another job; a failed one is tried again.
    code, said = sweeps.run("data.mood=good,raises", "sweep.retry=false")
    assert (code, sweeps.statuses()["raises"]["attempt"]) == (1, 1)
    code, said = sweeps.run("data.mood=good,raises")
    assert (code, sweeps.statuses()["raises"]["attempt"], sweeps.statuses()["good"]["attempt"]) == (1, 2, 1)
    assert "7 jobs: 6 failed, 1 completed" in said


def test_two_commands_on_one_sweep_run_every_job_once(sweeps: Any) -> None:
    words = ("seed=0,1,2", "hydra.launcher.jobs=1")
    programs = [sweeps.start(*words) for _ in range(2)]
    said = [program.communicate(timeout=300)[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0], said
    assert {f["attempt"] for f in sweeps.statuses().values()} == {1}
    assert all("3 jobs: 3 completed" in text for text in said)


def test_a_command_takes_over_from_one_that_is_killed(sweeps: Any) -> None:
    words = ("seed=0,1,2", "hydra.launcher.jobs=1")
    first, begun = sweeps.start(*words), time.time()
    until(is_running(sweeps, begun))
    second = sweeps.start(*words)
    time.sleep(1.0)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    said, _ = second.communicate(timeout=300)
    assert (second.returncode, set(sweeps.states().values())) == (0, {"completed"}), said


def test_every_job_has_a_gpu_of_its_own(sweeps: Any) -> None:
    diary = sweeps.root / "diary"
    diary.mkdir()
    gpus = ("hydra.launcher.gpus=[0,1,2,3]", "hydra.launcher.gpus_per_job=1")
    code, said = sweeps.run("seed=range(0,8)", "data.mood=notes", f"data.diary='{diary}'", *gpus)
    assert code == 0, said
    notes = sorted((json.loads(f.read_text()) for f in diary.iterdir()), key=lambda note: note["begun"])
    for gpu in "0123":
        first, second = (note for note in notes if note["gpu"] == gpu)
        assert first["ended"] < second["begun"]
    assert any(one["ended"] > other["begun"] for one, other in pairwise(notes))  # at once


def test_a_job_with_two_processes_of_which_one_fails(sweeps: Any) -> None:
    words = ("data.mood=second_raises", "trainer.devices=2,1", "trainer.strategy=ddp", "sweep.timeout=120")
    code, said = sweeps.run(*words)
    assert code == 1
    assert sweeps.states() == {"2": "failed", "1": "completed"}, said  # alone, there is no second
    assert sweeps.statuses()["2"]["reason"] == "ZeroDivisionError: in the second process"
    assert alive_in(sweeps.path) == []


def test_a_signal_lets_jobs_save_and_the_same_command_goes_on(sweeps: Any) -> None:
    words = ("trainer.max_epochs=100000", "sweep.timeout=1000", "seed=0,1,2", "hydra.launcher.jobs=1")
    program = sweeps.start(*words)
    until(lambda: (sweeps.path / "seed-0" / "checkpoints" / "last.ckpt").exists())
    os.kill(program.pid, signal.SIGINT)
    said, _ = program.communicate(timeout=60)
    assert program.returncode == 130, said
    assert sweeps.states() == {"seed-0": "interrupted", "seed-1": "queued", "seed-2": "queued"}
    assert "the same command goes on" in said


def test_fail_fast_stops_the_others(sweeps: Any) -> None:
    code, said = sweeps.run(
        "data.mood=raises,hangs,good", "sweep.fail_fast=true", "hydra.launcher.jobs=2", "sweep.timeout=1000"
    )
    assert code == 1
    assert sweeps.states() == {"raises": "failed", "hangs": "interrupted", "good": "queued"}, said
