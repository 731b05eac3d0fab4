"""Jobs through Ray, on this machine or on a cluster."""

from __future__ import annotations

__all__ = ["Ray"]

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError
from lvm_experiments.job import command
from lvm_experiments.sweeps.engine import Engine, devices_of, needs_gpu
from lvm_experiments.sweeps.folder import Task
from lvm_experiments.sweeps.outcome import OUTPUT, state_of
from lvm_experiments.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


class Ray(Engine):
    """Ray schedules; a job is a program of its own, that ends with the worker which started it.

    Arguments:
        address: Of a cluster's head, or `auto`; None: start Ray on this machine.
        num_cpus: Of this machine, that Ray may use; None: all.
        num_gpus: Likewise.
        cpus_per_job: None: a core for each process of the job.
        gpus_per_job: A number, or a share; None: as many as the trainer has devices, none where it uses none.
    """

    def __init__(
        self,
        address: str | None = None,
        num_cpus: PositiveInt | None = None,
        num_gpus: NonNegativeInt | None = None,
        cpus_per_job: PositiveFloat | None = None,
        gpus_per_job: NonNegativeFloat | None = None,
    ) -> None:
        super().__init__()
        self.address, self.num_cpus, self.num_gpus = address, num_cpus, num_gpus
        self.cpus_per_job, self.gpus_per_job = cpus_per_job, gpus_per_job
        self._workers: dict[str, Any] = {}
        self._results: dict[Any, str] = {}
        self._cancelled: set[str] = set()

    def open(self, sweep: Path, tasks: Sequence[Task], at_once: int | None = None) -> None:
        super().open(sweep, tasks, at_once)
        if find_spec("ray") is None:
            raise RequestError(
                "ray is not installed", where="hydra/launcher=ray", hint="pip install 'lvm_experiments[ray]'"
            )

    def impossible(self, task: Task) -> str | None:
        gpus, cpus = self._gpus(task), self._cpus(task)
        there = self._started().cluster_resources()
        for what, wanted, has in (("GPUs", gpus, there.get("GPU", 0)), ("cores", cpus, there.get("CPU", 0))):
            if wanted > has:
                return f"asks for {wanted:g} {what} of {has:g}"
        return None

    def room(self, task: Task) -> bool:
        return True  # Ray has the queue

    def start(self, task: Task) -> None:
        assert task.config is not None
        ray = self._started()
        worker = (
            ray.remote(Worker).options(num_cpus=self._cpus(task), num_gpus=self._gpus(task), max_concurrency=2).remote()
        )
        words = command(task.folder, task.config["allow_targets"])
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry and "site-packages" not in entry)
        done = worker.run.remote(words, str(task.folder.path / OUTPUT), {"PYTHONPATH": path})
        self._workers[task.name], self._results[done] = worker, task.name

    def wait(self, seconds: float) -> dict[str, int]:
        ray = self._started()
        ready, _ = ray.wait(list(self._results), num_returns=1, timeout=seconds)
        ended = {}
        for result in ready:
            name = self._results.pop(result)
            try:
                ended[name] = int(ray.get(result))
            except ray.exceptions.RayError:
                # The worker is gone, and the job with it.
                ended[name] = -(signal.SIGTERM if name in self._cancelled else signal.SIGKILL)
            ray.kill(self._workers.pop(name))
        return ended

    def has_begun(self, task: Task) -> bool:
        return state_of(task.folder)["state"] == "running"

    def interrupt(self, task: Task) -> None:
        if self.has_begun(task):
            self._signal(task, signal.SIGTERM)
        elif task.name in self._workers:  # it has nothing to save, and may have to wait for its turn
            self._cancelled.add(task.name)
            self._started().kill(self._workers[task.name])

    def kill(self, task: Task) -> None:
        self._signal(task, signal.SIGKILL)

    def close(self) -> None:
        super().close()
        if "ray" in sys.modules:
            self._started().shutdown()

    def _signal(self, task: Task, number: int) -> None:
        if task.name in self._workers:
            self._workers[task.name].signal.remote(number)

    def _started(self) -> Any:
        import ray

        if not ray.is_initialized():
            here = (
                {}
                if self.address
                else {"num_cpus": self.num_cpus, "num_gpus": self.num_gpus, "include_dashboard": False}
            )
            ray.init(address=self.address, configure_logging=True, logging_level="ERROR", log_to_driver=False, **here)
        return ray

    def _gpus(self, task: Task) -> float:
        assert task.config is not None
        if self.gpus_per_job is not None:
            return self.gpus_per_job
        there = self._started().cluster_resources().get("GPU", 0)
        if not there or not needs_gpu(task.config["trainer"]):
            return 0
        return devices_of(task.config["trainer"]) or 1

    def _cpus(self, task: Task) -> float:
        assert task.config is not None
        return self.cpus_per_job if self.cpus_per_job is not None else devices_of(task.config["trainer"]) or 1


class Worker:
    """In a process of Ray's: starts a job and waits for it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._told = 0

    def run(self, words: Sequence[str], output: str, env: Mapping[str, str]) -> int:
        """Runs a program in a session of its own; gives its exit code."""
        from lvm_experiments.sweeps.process import die_with, kill_group

        if self._told:
            return -self._told
        me = os.getpid()
        words = [sys.executable, *words[1:]]
        # Ray counts threads by what a job may use.
        env = {"OMP_NUM_THREADS": "1", **os.environ, **env}
        with open(output, "ab") as file:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env=env,
                preexec_fn=lambda: die_with(me),
            )
        code = self._process.wait()
        kill_group(self._process.pid)
        return code

    def signal(self, number: int) -> None:
        """Passes a signal on."""
        from lvm_experiments.sweeps.process import kill_group

        self._told = number
        if self._process is None or self._process.poll() is not None:
            return
        if number == signal.SIGKILL:
            kill_group(self._process.pid)
        else:
            os.kill(self._process.pid, number)
