"""What starts the jobs of a sweep: this machine, a cluster. Which one is chosen by `hydra/launcher=`."""

from __future__ import annotations

__all__ = ["Engine", "devices_of", "make_engine", "needs_gpu"]

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lvm_experiments.configuration import instantiate
from lvm_experiments.errors import RequestError
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.plan import ENGINES
from lvm_experiments.sweeps.server_process import ServerProcess


class Engine(ABC):
    """Starts jobs where there is room for them, and tells when they have ended.

    What a job was, and what became of it, is in its folder. An engine knows nothing of sweeps: which jobs are to be
    run, and what is done about one that failed, is not its business.
    """

    def __init__(self) -> None:
        self._server: ServerProcess | None = None

    def open(self, sweep: Path, tasks: Sequence[Task], at_once: int | None = None) -> None:
        """Called once, before anything else.

        Arguments:
            sweep: The folder of the sweep.
            tasks: What may be asked for.
            at_once: More jobs than this will not be asked for at a time; None: as many as there is room for.

        Raises:
            RequestError: The engine is not installed, or not there.
        """
        self.sweep, self.tasks, self.at_once = sweep, list(tasks), at_once

    def expect(self, task: Task) -> None:
        """Something else that may be asked for, made up only now."""
        self.tasks.append(task)

    def refusals(self, tasks: Sequence[Task]) -> dict[str, str]:
        """Why jobs cannot be run, for those whose parts do not fit, by their names."""
        found = self.server().refusals([task.folder.path for task in tasks])
        return {task.name: found[task.folder.path] for task in tasks if task.folder.path in found}

    def impossible(self, task: Task) -> str | None:
        """Why there will never be room for a job; None where there will."""
        return None

    @abstractmethod
    def room(self, task: Task) -> bool:
        """Whether a job could start now; the room is then kept for it until `start` or `leave`."""

    def leave(self, task: Task) -> None:  # noqa: B027 - most keep none
        """Gives back room that was kept for a job which is not started after all."""

    @abstractmethod
    def start(self, task: Task) -> None:
        """Starts a job there is room for."""

    def submit(self) -> None:  # noqa: B027 - most start one by one
        """Hands over what was started since the last time, where that is done for several at once."""

    @abstractmethod
    def wait(self, seconds: float) -> dict[str, int]:
        """Jobs that have ended since the last time, by name, with exit codes; negative is a signal.

        Arguments:
            seconds: To wait at most.
        """

    def attach(self, task: Task) -> bool:
        """Goes on waiting for a job that an earlier command has left with the engine. False where there is none."""
        return False

    def has_begun(self, task: Task) -> bool:
        """Whether a job that was started runs, rather than waits in a queue of the engine's own."""
        return True

    @abstractmethod
    def interrupt(self, task: Task) -> None:
        """Tells a job to save what it has and to stop."""

    @abstractmethod
    def kill(self, task: Task) -> None:
        """Stops a job at once."""

    def close(self) -> None:
        """Called last."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def server(self) -> ServerProcess:
        """The process with everything imported, started when it is first needed."""
        if self._server is None:
            self._server = ServerProcess(task.folder.path for task in self.tasks)
        return self._server


def make_engine(launcher: Mapping[str, Any], allow: Sequence[str] = ()) -> Engine:
    """The engine that a configuration asks for.

    Arguments:
        launcher: `hydra.launcher`, resolved.
        allow: Modules of the user's own that it may name.

    Raises:
        RequestError: It names something else.
    """
    engine = instantiate(dict(launcher), "hydra.launcher", [ENGINES, *allow])
    if not isinstance(engine, Engine):
        raise RequestError("starts no sweeps", where="hydra/launcher", hint="choose local, slurm or ray")
    return engine


def devices_of(trainer: Mapping[str, Any]) -> int | None:
    """How many processes a job has on a machine; None for as many as there are devices.

    Arguments:
        trainer: The configuration of the trainer.

    Example:
        >>> [devices_of({"devices": devices}) for devices in (2, "2", [0, 3], "auto", -1)]
        [2, 2, 2, None, None]
    """
    devices = trainer.get("devices", "auto")
    if isinstance(devices, list):
        return len(devices)
    if isinstance(devices, str) and devices.isdecimal():
        devices = int(devices)
    if devices in ("auto", -1, "-1"):
        return 1 if trainer.get("accelerator", "auto") in ("cpu", "mps") else None
    return int(devices)


def needs_gpu(trainer: Mapping[str, Any]) -> bool:
    """Whether a job takes a GPU where there is one."""
    return trainer.get("accelerator", "auto") in ("auto", "gpu", "cuda")
