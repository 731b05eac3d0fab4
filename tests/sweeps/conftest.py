"""Real sweeps on the digits, in programs of their own, small enough to be run by the dozen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

SMALL = (
    "trainer=cpu", "trainer.max_epochs=2", "model.latent_dim=2", "model.encoder.hidden=[4]", "model.decoder.hidden=[4]",
    "callbacks.progress=null", "callbacks.summary=null", "data=moody", "allow_targets=[moody_data]",
    "evaluation.num_samples=4", "evaluation.chunk=4", "evaluation.max_examples=16", "sweep.name=s", "paths.root=out",
)  # fmt: skip

MODULE = '''
    import json
    import os
    import resource
    import signal
    import time
    from pathlib import Path

    import numpy as np
    import torch

    from pytorch_lightning import Callback

    from lvm_experiments.data import Digits


    class Patience(Callback):
        """A job of Slurm goes slowly from its third epoch on, until it was displaced."""

        def on_train_batch_start(self, trainer, module, batch, number):
            if trainer.current_epoch > 1 and "SLURM_JOB_ID" in os.environ and "SLURM_RESTART_COUNT" not in os.environ:
                time.sleep(1.0)


    class Moody(Digits):
        def __init__(self, *, mood: str = "good", diary: str | None = None) -> None:
            super().__init__(batch_size=32, validation=32, test=32, limit=64)
            self.mood, self.diary = mood, diary

        def load(self):
            job = "OMP_NUM_THREADS" in os.environ and os.getsid(0) == os.getpid()  # not the look at whether parts fit
            rank = os.environ.get("LOCAL_RANK", "0")
            if not (job or rank != "0"):
                return super().load()
            match self.mood:
                case "raises":
                    raise ZeroDivisionError("one line\\nand another")
                case "eats" | "eats_arrays":
                    # No more than this process has, and some: what asks for more is refused by the system.
                    pages = int(Path("/proc/self/statm").read_text().split()[0])
                    limit = pages * resource.getpagesize() + (1 << 28)
                    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
                    bites = []
                    while True:
                        bites.append(torch.zeros(1 << 24) if self.mood == "eats" else np.zeros(1 << 24))
                case "is_killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "hangs":
                    time.sleep(1000)
                case "hangs_on":
                    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
                    time.sleep(1000)
                case "second_raises" if rank == "1":
                    raise ZeroDivisionError("in the second process")
                case "notes":
                    begun = time.time()
                    time.sleep(0.3)
                    note = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "begun": begun, "ended": time.time()}
                    Path(self.diary, f"{os.getpid()}.json").write_text(json.dumps(note))
            return super().load()
'''


@dataclass
class Sweeps:
    """Runs sweeps below a folder."""

    root: Path

    @property
    def path(self) -> Path:
        """Of the sweep that the small words name."""
        return self.root / "out" / "sweeps" / "s"

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        paths = [*sys.path[1:], str(self.root / "modules")]
        return subprocess.Popen(
            [sys.executable, "-m", "lvm_experiments", "-m", "-cd", "more", *SMALL, *words],
            cwd=self.root, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "COLUMNS": "200", "PYTHONPATH": os.pathsep.join(paths), **env},
        )  # fmt: skip

    def run(self, *words: str, **env: str) -> tuple[int, str]:
        program = self.start(*words, **env)
        said, _ = program.communicate(timeout=300)
        return program.returncode, said

    def statuses(self) -> dict[str, dict[str, Any]]:
        found = sorted(self.path.rglob("status.json"))
        return {f.parent.relative_to(self.path).as_posix(): json.loads(f.read_text()) for f in found}

    def states(self) -> dict[str, str]:
        return {name: facts["state"] for name, facts in self.statuses().items()}


@pytest.fixture
def make_sweeps(tmp_path: Path) -> Callable[[str], Sweeps]:
    """Makes a folder to run sweeps in."""

    def make(name: str = "here") -> Sweeps:
        root = tmp_path / name
        (root / "modules").mkdir(parents=True)
        (root / "modules" / "moody_data.py").write_text(dedent(MODULE))
        (root / "more" / "data").mkdir(parents=True)
        (root / "more" / "data" / "moody.yaml").write_text("{_target_: moody_data.Moody, mood: good, diary: null}")
        return Sweeps(root)

    return make


@pytest.fixture
def sweeps(make_sweeps: Callable[[str], Sweeps]) -> Sweeps:
    return make_sweeps("here")
