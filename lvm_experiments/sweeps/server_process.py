"""The other end of the line to the process that jobs are forked from."""

from __future__ import annotations

__all__ = ["ServerProcess"]

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from lvm_experiments.errors import RequestError, RunError

_PATIENCE = 600.0  # seconds to import everything: a cold cache of a busy file server is slow


class ServerProcess:
    """Starts `lvm_experiments.sweeps.server`, asks it for jobs, hears what became of them.

    Arguments:
        warm: Run folders whose configurations may be looked at beforehand.

    Raises:
        RequestError: The system cannot fork.
    """

    def __init__(self, warm: Iterable[Path] = ()) -> None:
        if not hasattr(os, "fork"):
            raise RequestError("jobs cannot be forked on this system", where="hydra/launcher", hint="choose ray")
        # One thread while it imports: pools of threads made there would be lost in its children.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lvm_experiments.sweeps.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, **threads, "MPLBACKEND": os.environ.get("MPLBACKEND", "Agg")},
        )
        self._rest = b""
        self._said: list[dict[str, Any]] = []
        self._gpus: int | None = None
        self.pids: dict[str, int] = {}
        self._ask(path=[os.path.abspath(path) for path in sys.path], warm=[str(path) for path in warm])

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def gpus(self) -> int:
        """How many GPUs a job would see; waits until everything is imported."""
        if self._gpus is None:
            self._gpus = int(self._wait_for("ready")["gpus"] or 0)
        return self._gpus

    def refusals(self, folders: Sequence[Path]) -> dict[Path, str]:
        """Why jobs cannot be run, for those whose parts do not fit."""
        _ = self.gpus
        self._ask(check=[str(folder) for folder in folders])
        found = self._wait_for("refusals")["refusals"]
        return {Path(folder): reason for folder, reason in found.items()}

    def start(
        self,
        job: str,
        folder: Path,
        output: Path,
        *,
        env: dict[str, str],
        allow: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> None:
        """Starts a job.

        Arguments:
            job: What to call it.
            folder: Its run folder.
            output: Takes what it prints.
            env: Variables of the environment, set before it does anything.
            allow: Modules of the user's own that its configuration may name.
            command: A program to run rather than a copy of the server.
        """
        _ = self.gpus
        self._ask(job=job, folder=str(folder), output=str(output), env=env, allow=list(allow), command=list(command))
        answer = self._wait_for("started")
        self.pids[job] = answer["pid"]

    def ended(self, seconds: float) -> dict[str, int]:
        """Jobs that have ended, with their exit codes; negative is a signal.

        Arguments:
            seconds: To wait at most.

        Raises:
            RunError: The server itself has ended; what it started is dead.
        """
        self._listen(seconds)
        found = {said["ended"]: said["code"] for said in self._said if "ended" in said}
        self._said = [said for said in self._said if "ended" not in said]
        for job in found:
            self.pids.pop(job, None)
        return found

    def signal(self, job: str, number: int) -> None:
        """Sends a signal to a job's first process."""
        if job in self.pids:
            with suppress(ProcessLookupError):
                os.kill(self.pids[job], number)

    def kill(self, job: str) -> None:
        """Kills a job and all its processes."""
        from lvm_experiments.sweeps.process import kill_group

        if job in self.pids:
            kill_group(self.pids[job])

    def close(self) -> None:
        """Ends the server, and with it what still runs."""
        for job in tuple(self.pids):
            self.kill(job)
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it is still importing
            self._process.wait()

    def _ask(self, **request: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._gone()

    def _wait_for(self, what: str) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while True:
            for said in self._said:
                if what in said:
                    self._said.remove(said)
                    return said
            if time.monotonic() > until:
                raise RunError(f"the process that jobs are forked from does not answer ({what})")
            self._listen(1.0)

    def _listen(self, seconds: float) -> None:
        assert self._process.stdout is not None
        file = self._process.stdout.fileno()
        if any("ended" in said for said in self._said):
            seconds = 0.0
        readable, _, _ = select.select([file], [], [], seconds)
        if not readable:
            return
        read = os.read(file, 1 << 16)
        if not read:
            self._gone()
        *lines, self._rest = (self._rest + read).split(b"\n")
        self._said += [json.loads(line) for line in lines]

    def _gone(self) -> None:
        for job in tuple(self.pids):
            self.kill(job)
        self.pids.clear()
        raise RunError(f"the process that jobs are forked from ended with exit code {self._process.wait()}")
