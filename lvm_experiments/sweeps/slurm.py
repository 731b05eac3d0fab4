"""Jobs on a Slurm cluster."""

from __future__ import annotations

__all__ = ["Slurm"]

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import atomic_write
from lvm_experiments.sweeps.engine import Engine, devices_of, needs_gpu
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.outcome import state_of
from lvm_experiments.sweeps.slurm_job import STOP, SlurmJob
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt

if TYPE_CHECKING:
    from submitit import Job

_GOING = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "REQUEUED", "READY", "UNKNOWN", "SUSPENDED", "PREEMPTED"}
_SETTLE = 20.0  # seconds that a queue may take to know a job, or to put one back that it has stopped


class Slurm(Engine):
    """A job array through submitit, one job of the array for each job of the sweep that asks for the same.

    Whoever waits may be killed: the array goes on, and the same command goes on waiting for it. A job that Slurm stops,
    for another or because its time is over, is put back into the queue and goes on from its checkpoint.

    Arguments:
        partition: None: the cluster's default.
        timeout_min: Minutes a job may run before it is put back into the queue.
        nodes: Of a job.
        tasks_per_node: Processes of a job on each.
        gpus_per_node: None: one for each task, none where the trainer uses none.
        cpus_per_task: Cores of each.
        mem_gb: None: the cluster's default.
        array_parallelism: Jobs of an array at once, at most.
        max_requeues: Times a job may be put back when its time is over.
        setup: Shell commands before a job.
        additional: Further parameters of sbatch.
        poll_seconds: Between two looks at the queue.
    """

    def __init__(
        self,
        partition: str | None = None,
        timeout_min: PositiveInt = 1440,
        nodes: PositiveInt = 1,
        tasks_per_node: PositiveInt | str = 1,
        gpus_per_node: NonNegativeInt | None = None,
        cpus_per_task: PositiveInt = 1,
        mem_gb: PositiveFloat | None = None,
        array_parallelism: PositiveInt = 256,
        max_requeues: NonNegativeInt = 10,
        setup: list[str] | None = None,
        additional: dict[str, Any] | None = None,
        poll_seconds: PositiveFloat = 5.0,
    ) -> None:
        super().__init__()
        self.array_parallelism, self.max_requeues, self.setup = array_parallelism, max_requeues, list(setup or [])
        self.poll_seconds = poll_seconds
        self._pending: list[Task] = []
        self._jobs: dict[str, Job[int]] = {}
        self._attempts: dict[str, int] = {}
        self._gone: dict[str, float] = {}
        self._looked = 0.0

    def open(self, sweep: Path, tasks: Sequence[Task], at_once: int | None = None) -> None:
        super().open(sweep, tasks, at_once)
        if find_spec("submitit") is None:
            raise RequestError(
                "submitit is not installed", where="hydra/launcher=slurm", hint="pip install 'lvm_experiments[slurm]'"
            )
        if shutil.which("sbatch") is None:
            raise RequestError("there is no sbatch on this machine", where="hydra/launcher=slurm", hint="choose local")
        # Without accounting Slurm cannot tell of jobs long gone, and submitit says so at every look.
        warnings.filterwarnings("ignore", message=".*sacct.*")

    def impossible(self, task: Task) -> str | None:
        assert task.config is not None
        if devices_of(task.config["trainer"]) is None:
            return "a cluster has to be told how many devices: set trainer.devices=N"
        return None

    def room(self, task: Task) -> bool:
        return True

    def start(self, task: Task) -> None:
        self._pending.append(task)

    def submit(self) -> None:
        groups: dict[str, tuple[dict[str, Any], list[Task]]] = {}
        for task in self._pending:
            parameters = self._parameters(task)
            groups.setdefault(repr(parameters), (parameters, []))[1].append(task)
        self._pending = []
        for parameters, tasks in groups.values():
            from submitit import SlurmExecutor

            for task in tasks:
                (task.folder.path / STOP).unlink(missing_ok=True)
                self._attempts[task.name] = state_of(task.folder).get("attempt", 0)
            executor = SlurmExecutor(self._logs, max_num_timeout=self.max_requeues)
            executor.update_parameters(**parameters)
            jobs = executor.map_array(_call, [_job(task) for task in tasks])
            for task, job in zip(tasks, jobs, strict=True):
                atomic_write(_note(task), job.job_id + "\n")
                self._jobs[task.name] = job

    def attach(self, task: Task) -> bool:
        if not _note(task).exists():
            return False
        from submitit import SlurmJob as Submitted

        job: Any = Submitted(self._logs, _note(task).read_text(encoding="utf-8").strip())
        if self._state(job) not in _GOING - {"UNKNOWN"}:
            return False
        self._jobs[task.name] = job
        return True

    def wait(self, seconds: float) -> dict[str, int]:
        time.sleep(seconds)
        if time.monotonic() - self._looked < self.poll_seconds:
            return {}
        self._looked = time.monotonic()
        tasks = {task.name: task for task in self.tasks}
        ended = {}
        for name, job in self._jobs.items():
            facts = state_of(tasks[name].folder)
            state = self._state(job)
            told = facts.get("attempt", 0) > self._attempts.get(name, 0)
            if facts["state"] == "completed":
                ended[name] = 0
            elif told and facts["state"] in ("failed", "refused") and state not in _GOING:
                ended[name] = 1
            elif state in _GOING - {"UNKNOWN"}:
                self._gone.pop(name, None)
            # A job that is not in the queue may not be there yet, or not again.
            elif time.monotonic() - self._gone.setdefault(name, time.monotonic()) > _SETTLE:
                ended[name] = {"interrupted": 128 + signal.SIGTERM, "refused": 2}.get(facts["state"], 1)
        for name in ended:
            del self._jobs[name]
            self._gone.pop(name, None)
            _note(tasks[name]).unlink(missing_ok=True)
        return ended

    def has_begun(self, task: Task) -> bool:
        return state_of(task.folder)["state"] == "running"

    def interrupt(self, task: Task) -> None:
        if task.name in self._jobs:
            (task.folder.path / STOP).touch()
            # One that waits has nothing to save.
            self._scancel(task, *(["--signal=TERM"] if self._state(self._jobs[task.name]) == "RUNNING" else []))

    def kill(self, task: Task) -> None:
        if task.name in self._jobs:
            self._scancel(task)

    @property
    def _logs(self) -> Path:
        return self.sweep / ".slurm"

    def _state(self, job: Job[int]) -> str:
        """Its state in the queue; UNKNOWN where it is not there."""
        done = subprocess.run(
            ["squeue", "--noheader", "--array", "--states=all", "--format=%T", f"--jobs={job.job_id}"],
            capture_output=True,
            text=True,
            check=False,
        )
        words = done.stdout.split()
        return words[0] if words else "UNKNOWN"

    def _scancel(self, task: Task, *words: str) -> None:
        # The processes of the job, and the script that has started them.
        subprocess.run(["scancel", *words, self._jobs[task.name].job_id], capture_output=True, check=False)

    def _parameters(self, task: Task) -> dict[str, Any]:
        """What a job asks of the cluster: that of its own configuration, in submitit's words."""
        assert task.config is not None
        assert task.launcher is not None
        asked = {key: value for key, value in task.launcher.items() if not key.startswith("_")}
        tasks = devices_of({"devices": asked["tasks_per_node"]}) or 1
        gpus = asked["gpus_per_node"]
        if gpus is None:
            gpus = tasks if needs_gpu(task.config["trainer"]) else 0
        extra = {"requeue": True, "open_mode": "append", **(asked["additional"] or {})}
        parameters = {
            "job_name": re.sub(r"[^A-Za-z0-9_.-]", "_", self.sweep.name),
            "partition": asked["partition"],
            "time": asked["timeout_min"],
            "nodes": asked["nodes"],
            "ntasks_per_node": tasks,
            "cpus_per_task": asked["cpus_per_task"],
            "mem": None if asked["mem_gb"] is None else f"{asked['mem_gb']:g}GB",
            "gpus_per_node": gpus or None,
            "array_parallelism": self.array_parallelism,
            "setup": [*_environment(), *self.setup],
            "additional_parameters": extra,
        }
        return {key: value for key, value in parameters.items() if value is not None}


def _environment() -> list[str]:
    """A job finds the modules that this command finds."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry and "site-packages" not in entry)
    return [f"export PYTHONPATH='{path}'"]


def _call(job: SlurmJob) -> int:
    return job()


def _job(task: Task) -> SlurmJob:
    assert task.config is not None
    return SlurmJob(str(task.folder.path), tuple(task.config["allow_targets"]))


def _note(task: Task) -> Path:
    return task.folder.path / ".slurm_job"
