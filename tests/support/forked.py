"""A command that forks its jobs from itself: processes of their own, without the seconds that imports take."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import optuna.storages  # noqa: F401 - what jobs need, imported once for all that are forked

import lvm_experiments.experiment  # noqa: F401
from lvm_experiments.configuration import ConfigTree
from lvm_experiments.configuration.command_line import read_command_line
from lvm_experiments.job import guarded, run_folder
from lvm_experiments.runs import RunFolder
from lvm_experiments.sweeps.search import search


def forked_jobs(folders: Iterator[RunFolder], slots: int) -> Generator[tuple[RunFolder, int], None, None]:
    """As `run_jobs`, one after the other."""
    for folder in folders:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            with open(folder.path / "output.txt", "a") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                code = guarded(lambda: run_folder(folder), folder)  # noqa: B023
                sys.stdout.flush()
                os._exit(code)
        yield folder, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def search_in_group(words: list[str], log: Path) -> None:
    """The command, in a process group of its own; what it prints goes to a file."""
    os.setpgid(0, 0)
    with open(log, "a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        code = guarded(lambda: search(read_command_line(words), ConfigTree.default(), forked_jobs))
        sys.stdout.flush()
        os._exit(code)
