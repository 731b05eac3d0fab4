"""Runs job folders in processes of their own, some at a time."""

from __future__ import annotations

__all__ = ["run_jobs"]

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Any

from lvm_experiments.job import command
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.signals import Signals

_PAUSE = 0.05  # seconds between two looks at the jobs
_GRACE = 60.0  # seconds that jobs have to save what they have
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def run_jobs(folders: Iterable[RunFolder], slots: int) -> Generator[tuple[RunFolder, int], None, None]:
    """Runs folders as they come; gives each back when it has ended, with its exit code.

    The next folder is asked for only when a place is free and all that ended before has been taken, so that
    it may depend on how those went. Children die with this process. Interrupted, it stops them first.

    Arguments:
        folders: Have their `config.yaml`.
        slots: How many at a time.

    Raises:
        Interrupted: By SIGTERM or Ctrl-C, once the jobs have ended.
    """
    waiting = iter(folders)
    jobs: dict[RunFolder, subprocess.Popen[bytes]] = {}
    more = True
    with Signals():
        try:
            while True:
                while more and len(jobs) < slots:
                    folder = next(waiting, None)
                    if folder is None:
                        more = False
                    else:
                        jobs[folder] = _start(folder)
                if not jobs:
                    return
                ended = [folder for folder, job in jobs.items() if job.poll() is not None]
                for folder in ended:
                    yield folder, jobs.pop(folder).returncode
                if not ended:
                    time.sleep(_PAUSE)
        finally:
            _stop(jobs.values())


def _start(folder: RunFolder) -> subprocess.Popen[bytes]:
    allow = folder.read_config().get("allow_targets") or []
    with open(folder.path / "output.txt", "ab") as log:
        return subprocess.Popen(
            command(folder, allow),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_tie_to(os.getpid()) if sys.platform == "linux" else None,
        )


def _tie_to(parent: int) -> Any:
    libc = ctypes.CDLL(None)  # before the fork, after which little is safe

    def tie() -> None:
        libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:  # it has died in between
            os._exit(1)

    return tie


def _stop(jobs: Iterable[subprocess.Popen[bytes]]) -> None:
    jobs = list(jobs)
    for job in jobs:
        with suppress(ProcessLookupError):
            job.terminate()
    until = time.monotonic() + _GRACE
    for job in jobs:
        try:
            job.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            job.kill()
            job.wait()
