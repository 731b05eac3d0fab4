"""An engine that forks its jobs from the command: processes of their own, without the seconds that imports take."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import optuna.storages  # noqa: F401 - what jobs need, imported once for all that are forked
import sklearn.datasets  # noqa: F401

from lvm_experiments.app import main
from lvm_experiments.job import guarded, run_folder
from lvm_experiments.plots.catalogue import catalogue
from lvm_experiments.sweeps import Engine, Task
from lvm_experiments.sweeps.outcome import OUTPUT
from lvm_experiments.sweeps.process import die_with
from lvm_experiments.sweeps.server import Server

Server(answers=1).prepare([])
catalogue()

WORDS = ("hydra.launcher._target_=tests.support.forked.Forked", "allow_targets=[tests.support.forked]")
"""What asks for it, on a command line."""


class Forked(Engine):
    """One job after the other.

    Arguments:
        jobs, gpus_per_job, gpus, threads: Those of `hydra/launcher=local`; they change nothing.
    """

    def __init__(self, jobs: None = None, gpus_per_job: None = None, gpus: None = None, threads: None = None) -> None:
        super().__init__()
        self._running: dict[int, str] = {}

    def refusals(self, tasks: Sequence[Task]) -> dict[str, str]:
        return {}

    def room(self, task: Task) -> bool:
        return not self._running

    def start(self, task: Task) -> None:
        sys.stdout.flush()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            die_with(parent)
            with open(task.folder.path / OUTPUT, "a") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            assert task.config is not None
            allow = task.config["allow_targets"]
            code = guarded(lambda: run_folder(task.folder, allow), task.folder)
            sys.stdout.flush()
            os._exit(code)
        self._running[child] = task.name

    def wait(self, seconds: float) -> dict[str, int]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            child, status = os.waitpid(-1, os.WNOHANG) if self._running else (0, 0)
            if child in self._running:
                return {self._running.pop(child): os.waitstatus_to_exitcode(status)}
            time.sleep(0.002)
        return {}

    def interrupt(self, task: Task) -> None:
        self._send(task, signal.SIGTERM)

    def kill(self, task: Task) -> None:
        self._send(task, signal.SIGKILL)

    def _send(self, task: Task, number: int) -> None:
        for child, name in self._running.items():
            if name == task.name:
                os.kill(child, number)


def run_in_group(words: list[str], log: Path) -> None:
    """The program, in a process group of its own; what it prints goes to a file."""
    os.setpgid(0, 0)
    with open(log, "a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = main(words)
    sys.stdout.flush()
    os._exit(code)
