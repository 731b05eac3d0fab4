"""Jobs on this machine."""

from __future__ import annotations

__all__ = ["Local"]

import math
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.job import command
from lvm_experiments.sweeps.engine import Engine, devices_of, needs_gpu
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.outcome import OUTPUT
from lvm_experiments.sweeps.slots import Slots, cores
from lvm_experiments.types import PositiveFloat, PositiveInt

_VISIBLE = "CUDA_VISIBLE_DEVICES"


class Local(Engine):
    """Processes of this machine, as many at once as it has GPUs, or CPU cores where no job wants one.

    A job with one device is a fork of a process that has imported everything. One with several is a new program, so
    that whatever starts its further processes can start the same command again. Each sees its own GPUs and no others.

    Arguments:
        jobs: At once, at most.
        gpus_per_job: A number, or a share like 0.5; None: as many as the trainer has devices, none where it uses none.
        gpus: Which, as in CUDA_VISIBLE_DEVICES; None: all that are visible.
        threads: Of each job; None: the cores divided by the jobs at once, or OMP_NUM_THREADS.
    """

    def __init__(
        self,
        jobs: PositiveInt | None = None,
        gpus_per_job: PositiveFloat | int | None = None,
        gpus: list[int | str] | None = None,
        threads: PositiveInt | None = None,
    ) -> None:
        super().__init__()
        if gpus_per_job is not None and gpus_per_job > 1 and gpus_per_job != int(gpus_per_job):
            raise RequestError(
                f"{gpus_per_job} is neither whole nor a share of one", where="hydra.launcher.gpus_per_job"
            )
        self.jobs, self.gpus_per_job, self.gpus, self.threads = jobs, gpus_per_job, gpus, threads
        self._lost: dict[str, int] = {}

    def open(self, sweep: Path, tasks: Sequence[Task], at_once: int | None = None) -> None:
        super().open(sweep, tasks, at_once)
        self._slots: Slots | None = None

    def impossible(self, task: Task) -> str | None:
        wanted, there = self._number(task), len(set(self._all_gpus()))
        if self._wants_gpu(task) and wanted > there:
            return f"asks for {wanted} GPUs of {there}"
        return None

    def room(self, task: Task) -> bool:
        slots = self._open_slots()
        return slots.take(task.name, min(self._number(task), len(slots.gpus))) is not None

    def leave(self, task: Task) -> None:
        self._open_slots().give_back(task.name)

    def start(self, task: Task) -> None:
        assert task.config is not None
        slots = self._open_slots()
        taken = slots.take(task.name, min(self._number(task), len(slots.gpus))) or []
        allow = task.config["allow_targets"]
        env = {"OMP_NUM_THREADS": str(self._threads(len(slots.gpus)))}
        if any(taken):
            env[_VISIBLE] = ",".join(taken)
        several = devices_of(task.config["trainer"]) != 1 or task.config["trainer"].get("num_nodes", 1) != 1
        if not self._wants_gpu(task):
            several = (devices_of(task.config["trainer"]) or 1) > 1
        self.server().start(
            task.name,
            task.folder.path,
            task.folder.path / OUTPUT,
            env=env,
            allow=allow,
            command=command(task.folder, allow) if several else (),
        )

    def wait(self, seconds: float) -> dict[str, int]:
        lost, self._lost = self._lost, {}
        started = tuple(self.server().pids)
        try:
            ended = {**lost, **self.server().ended(0.0 if lost else seconds)}
        except RunError:
            # Its jobs died with it; the next ones get another.
            self.close()
            ended = {**lost, **dict.fromkeys(started, -signal.SIGKILL)}
        for job in ended:
            self._open_slots().give_back(job)
        return ended

    def interrupt(self, task: Task) -> None:
        self.server().signal(task.name, signal.SIGTERM)

    def kill(self, task: Task) -> None:
        self.server().kill(task.name)

    def _wants_gpu(self, task: Task) -> bool:
        assert task.config is not None
        if self.gpus_per_job is not None:
            return self.gpus_per_job > 0
        return needs_gpu(task.config["trainer"]) and bool(self._all_gpus())

    def _number(self, task: Task) -> int:
        """How many places a job takes."""
        assert task.config is not None
        if self.gpus_per_job is not None and self.gpus_per_job > 0:
            return math.ceil(self.gpus_per_job)
        number = devices_of(task.config["trainer"])
        return number if number is not None else max(len(self._all_gpus()), 1)

    def _all_gpus(self) -> list[str]:
        if self.gpus is not None:
            return [str(gpu) for gpu in self.gpus]
        if _VISIBLE in os.environ:
            return [word for word in os.environ[_VISIBLE].split(",") if word][: self.server().gpus]
        return [str(number) for number in range(self.server().gpus)]

    def _open_slots(self) -> Slots:
        if self._slots is None:
            wanted = any(self._wants_gpu(task) for task in self.tasks if task.config is not None)
            places = self._all_gpus() if wanted else [""] * cores()
            if wanted and self.gpus_per_job is not None and self.gpus_per_job < 1:
                places = places * int(1 / self.gpus_per_job)  # the same share of each, so that jobs spread out
            self._slots = Slots(self.sweep / ".slots", self._limited(places))
        return self._slots

    def _limited(self, places: list[str]) -> list[str]:
        if self.jobs is None and self.at_once is None:
            return places
        each = max((self._number(task) for task in self.tasks if task.config is not None), default=1)
        wanted = min(number for number in (self.jobs, self.at_once) if number is not None) * each
        # More jobs than cores where that is asked for; never more on a GPU than it is shared by.
        return places[:wanted] if any(places) else [""] * wanted

    def _threads(self, places: int) -> int:
        if self.threads is not None:
            return self.threads
        given = os.environ.get("OMP_NUM_THREADS", "")
        return int(given) if given.isdecimal() else max(cores() // places, 1)
