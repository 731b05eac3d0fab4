"""The program as a process of its own, without the seconds that importing everything takes each time.

Processes are forked from a server that has imported everything and has done nothing else: no torch operation, no
random number. What they do is what `python -m lvm_experiments ...` does, from reading the command line on.
"""

from __future__ import annotations

import lvm_experiments.evaluate  # before anything imports torchvision
import lvm_experiments.experiment
import lvm_experiments.job
import lvm_experiments.sample  # noqa: F401

# isort: split
import sklearn.datasets  # noqa: F401

# isort: split
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Finished:
    """A program that has ended.

    Arguments:
        code: Its exit code; minus the signal's number where a signal killed it.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
    """

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of standard error."""
        return self.err.splitlines()


class Program:
    """A program that runs.

    Arguments:
        words: Its command line.
        module: What `python -m` would be given.
        env: Environment variables; None takes one away.
        cwd: Where it works; None: in a new folder.
        before: Called in the new process before anything else.
    """

    def __init__(
        self,
        *words: object,
        module: str = "lvm_experiments",
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._texts = Path(tempfile.mkdtemp(prefix="program_"))
        given = (module, list(map(str, words)), dict(env or {}), str(cwd or self._texts), str(self._texts), before)
        self._process = FORKS.Process(target=_run, args=given)
        self._process.start()

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    def send(self, number: int) -> None:
        """Sends it a signal."""
        assert self._process.pid is not None
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def kill(self) -> Finished:
        """Ends it as a power cut would."""
        self.send(signal.SIGKILL)
        return self.wait()

    def wait_until(self, happened: Callable[[], bool], seconds: float = 60.0) -> None:
        """Waits until something has happened, or the program has ended."""
        end = time.monotonic() + seconds
        while not happened() and self.running:
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.002)

    def wait(self, seconds: float = 180.0) -> Finished:
        """Waits for its end; once."""
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            raise AssertionError(f"still running after {seconds} s:\n{self._text('err')}")
        assert self._process.exitcode is not None
        finished = Finished(self._process.exitcode, self._text("out"), self._text("err"))
        shutil.rmtree(self._texts)
        return finished

    def _text(self, name: str) -> str:
        path = self._texts / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


def run(*words: object, **options: object) -> Finished:
    """Runs the program to its end; see `Program`."""
    return Program(*words, **options).wait()  # type: ignore[arg-type]


def _run(
    module: str,
    words: list[str],
    env: dict[str, str | None],
    cwd: str,
    texts: str,
    before: Callable[[], None] | None,
) -> None:
    for number, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(os.path.join(texts, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    for key, value in env.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    os.chdir(cwd)
    sys.argv = [module, *words]
    if before is not None:
        before()
    entry = "lvm_experiments.app" if module == "lvm_experiments" else module
    sys.exit(import_module(entry).main(words))
