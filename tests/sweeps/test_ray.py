"""Sweeps through a real Ray on this machine; skipped where it is not installed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"), pytest.mark.slow]

RAY = ("hydra/launcher=ray", "hydra.launcher.num_cpus=2")
FINAL = ("results.json", "examples.npz", "metrics.csv")


def numbers(path: Path) -> dict[str, bytes]:
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in sorted(path.rglob("*")) if f.name in FINAL}


def table(said: str) -> list[list[str]]:
    """What the table says of each job, but for its seconds."""
    rows = [line.split() for line in said.splitlines() if line.startswith(("good", "raises"))]
    return [[word for number, word in enumerate(row) if number != 3] for row in rows]


def test_as_on_this_machine(make_sweeps: Callable[[str], Any]) -> None:
    there, here = make_sweeps("ray"), make_sweeps("local")
    words = ("data.mood=good,raises", "seed=0,1")
    code, said = there.run(*words, *RAY)
    expected, local = here.run(*words)
    assert (code, expected) == (1, 1), said
    assert there.states() == here.states()
    assert sorted(there.states().values()) == ["completed", "completed", "failed", "failed"]
    assert numbers(there.path) == numbers(here.path)
    assert table(said) == table(local)
    assert len(table(local)) == 4


def test_killed_it_goes_on(make_sweeps: Callable[[str], Any]) -> None:
    sweeps = make_sweeps("ray")
    words = ("seed=0,1", "trainer.max_epochs=60", *RAY)
    program, end = sweeps.start(*words), time.monotonic() + 180
    while not (sweeps.path / "seed-0" / "checkpoints" / "last.ckpt").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    code, said = sweeps.run(*words)
    assert (code, set(sweeps.states().values())) == (0, {"completed"}), said
    assert sweeps.statuses()["seed-0"]["attempt"] == 2
