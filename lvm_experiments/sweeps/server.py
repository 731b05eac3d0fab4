"""The process that jobs are forked from: it has imported everything, and computed nothing.

`python -m lvm_experiments.sweeps.server`, started by `ServerProcess`. Requests come as lines of JSON on the standard
input, answers go as lines to the standard output. Neither torch nor CUDA is used here: no thread and no context exists
that a fork would lose. It lives in a session of its own, sees the end of the command that started it as the end of its
input, and then kills every job with all its processes.
"""

from __future__ import annotations

__all__ = ["main"]

import gc
import json
import os
import selectors
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

_WARM = 64  # configurations read beforehand, at most


def main() -> int:
    """Answers until the input ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what an import may print is no answer
    first = json.loads(sys.stdin.buffer.readline() or b"{}")
    sys.path[:] = first.get("path", sys.path)
    server = Server(answers)
    server.prepare(first.get("warm", []))
    server.serve()
    return 0


class Server:
    """Starts jobs, waits for them, and ends with who asked for them.

    Arguments:
        answers: A file descriptor.
    """

    def __init__(self, answers: int) -> None:
        self.answers = answers
        self.running: dict[int, str] = {}
        self._wakeup, self._waker = os.pipe()
        for end in (self._wakeup, self._waker):
            os.set_blocking(end, False)

    def prepare(self, folders: list[str]) -> None:
        """Imports what a run needs, and does once what every run would do at its start without computing anything."""
        import lvm_experiments.experiment
        import lvm_experiments.loggers.wandb  # noqa: F401
        from lvm_experiments.configuration import check
        from lvm_experiments.errors import RequestError
        from lvm_experiments.plots import warm
        from lvm_experiments.runs.folder import RunFolder
        from lvm_experiments.runs.provenance import provenance

        provenance()  # of the source as it is imported
        warm()
        for folder in folders[:_WARM]:
            with suppress(RequestError):  # which the job itself will say
                config = RunFolder(folder).read_config()
                check(config, config["allow_targets"])
        gc.collect()
        gc.freeze()  # no collection may touch, and so copy, what the jobs share

    def serve(self) -> None:
        """Until the input ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self.say(ready=True, gpus=_ask_child(_count_gpus))
        rest = b""
        with selectors.DefaultSelector() as events:
            for source in (0, self._wakeup):
                events.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in events.select():
                    if key.fd == self._wakeup:
                        with suppress(BlockingIOError):
                            os.read(self._wakeup, 4096)
                        continue
                    read = os.read(0, 1 << 16)
                    if not read:
                        self.end()
                        return
                    *lines, rest = (rest + read).split(b"\n")
                    for line in lines:
                        self.answer(json.loads(line))
                self.reap()

    def answer(self, request: dict[str, Any]) -> None:
        """Does what a request asks for: to run a folder, or to see whether the parts of jobs fit."""
        if "check" in request:
            found = _ask_child(lambda: _look(request["check"])) or {"refusals": {}, "modules": []}
            for name in found["modules"]:
                with suppress(ImportError):
                    import_module(name)
            self.say(refusals=found["refusals"])
            return
        server = os.getpid()
        child = os.fork()
        if child == 0:
            _run(server, request)
        self.running[child] = request["job"]
        self.say(started=request["job"], pid=child)

    def reap(self) -> None:
        """Reports jobs that have ended, and kills what they left."""
        from lvm_experiments.sweeps.process import kill_group

        for child in tuple(self.running):
            # Looked at before it is taken away, where a system can: until then its number is nobody else's.
            if hasattr(os, "waitid"):
                if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                kill_group(child)
            gone, status = os.waitpid(child, os.WNOHANG)
            if not gone:
                continue
            self.say(ended=self.running.pop(child), code=os.waitstatus_to_exitcode(status))

    def end(self) -> None:
        """Kills every job."""
        from lvm_experiments.sweeps.process import kill_group

        for child in self.running:
            kill_group(child)

    def say(self, **facts: Any) -> None:
        """Answers; where nobody listens any more, the end of the input will tell."""
        with suppress(BrokenPipeError):
            os.write(self.answers, json.dumps(facts).encode() + b"\n")


def _run(server: int, request: dict[str, Any]) -> NoReturn:
    """In the child: becomes the job."""
    code = 1
    try:
        _become(server, request["output"])
        os.environ.update(request["env"])
        if request["command"]:
            os.execvp(request["command"][0], request["command"])
        import torch

        from lvm_experiments.job import guarded, run_folder
        from lvm_experiments.runs.folder import RunFolder

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        folder = RunFolder(request["folder"])
        code = guarded(lambda: run_folder(folder, request["allow"]), folder)
    finally:
        _leave(code)


def _become(server: int, output: str) -> None:
    from lvm_experiments.sweeps.process import die_with

    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    die_with(server)
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    os.closerange(3, 256)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _leave(code: int) -> NoReturn:
    """Ends without the clean-up that belongs to the process forked from."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _ask_child(question: Any) -> Any:
    """What a function gives, called in a child so that this process stays as it is; None where it failed."""
    reader, writer = os.pipe()
    server = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            from lvm_experiments.sweeps.process import die_with

            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with(server)
            os.write(writer, json.dumps(question()).encode())
        finally:
            _leave(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        answer = file.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else None


def _look(folders: list[str]) -> dict[str, Any]:
    """Whether the parts of jobs fit, and what else had to be imported to see it: every job will need that."""
    from lvm_experiments.plots.catalogue import catalogue
    from lvm_experiments.sweeps.fit import refusals

    before = set(sys.modules)
    found = refusals(folders)
    catalogue()
    names = sorted(set(sys.modules) - before)
    # What torch imports by itself may start processes of its own.
    return {"refusals": found, "modules": [name for name in names if name.split(".")[0] != "torch"]}


def _count_gpus() -> int:
    import torch

    return torch.cuda.device_count()


if __name__ == "__main__":
    sys.exit(main())
