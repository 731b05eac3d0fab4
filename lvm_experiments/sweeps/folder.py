"""A sweep is a folder: `sweep.json`, and a run folder for each of its jobs."""

from __future__ import annotations

__all__ = ["SweepFolder", "Task"]

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvm_experiments.configuration.overrides import parse_override
from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import read_json, write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.lock import FolderLock
from lvm_experiments.runs.status import read_status, set_state
from lvm_experiments.sweeps.axes import Point
from lvm_experiments.sweeps.identity import differences
from lvm_experiments.sweeps.naming import folder_name
from lvm_experiments.sweeps.plan import Plan

_PATIENCE = 60.0  # seconds that another command may take to write its jobs


@dataclass(frozen=True)
class Task:
    """A job of a sweep that is to be run.

    Arguments:
        name: Its folder, from the sweep's.
        folder: Its run folder.
        point: Its swept values.
        config: What it is; None where it was refused.
        launcher: What it asks of the engine that starts it.
        refusal: Why it cannot be run.
    """

    name: str
    folder: RunFolder
    point: Point
    config: dict[str, Any] | None = None
    launcher: Mapping[str, Any] | None = None
    refusal: str | None = None


class SweepFolder:
    """The folder of a sweep.

    Arguments:
        path: The folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def record(self) -> Path:
        """What was swept, and where the jobs are."""
        return self.path / "sweep.json"

    def read(self) -> dict[str, Any]:
        """The content of the record.

        Raises:
            RequestError: The folder is no sweep's.
        """
        return read_json(self.record)

    def jobs(self) -> list[Task]:
        """Every job of the sweep, of earlier commands too."""
        return [Task(job["folder"], RunFolder(self.path / job["folder"]), job["point"]) for job in self.read()["jobs"]]

    def add(self, plan: Plan) -> list[Task]:
        """Writes down what a command asks for: jobs that are new are queued, those that are there have to be the same.

        All that could be refused is refused before the first file is written.

        Raises:
            RequestError: The sweep that is here is another one, or a job of the same name is another job; it shows
                the difference.
        """
        with self._alone():
            record = self.read() if self.record.exists() else _new(plan)
            tasks, added = self._tasks(record, plan, self._given(record["swept"], plan))
            for task in tasks:
                self._compare(task)
            record["jobs"] += added
            record["question"] = plan.settings.question or record["question"]
            for task in tasks:
                _queue(task)
            write_json(self.record, record)
        return tasks

    def _given(self, swept: list[str], plan: Plan) -> Point:
        """Values of what the sweep varies and the command gives a single value."""
        words = [parse_override(word) for word in plan.fixed]
        given = {word.key_or_group: word.value() for word in words if word.key_or_group in swept}
        if set(swept) != {*plan.swept, *given}:
            raise RequestError(
                f"sweeps {', '.join(swept) or 'nothing'}, and {', '.join(plan.swept) or 'nothing'} was asked for",
                where=str(self.path),
                hint="give this sweep a name of its own with sweep.name=NAME",
            )
        return given

    def _tasks(self, record: dict[str, Any], plan: Plan, given: Point) -> tuple[list[Task], list[dict[str, Any]]]:
        known = {_key(job["point"]): job["folder"] for job in record["jobs"]}
        tasks, added = [], []
        for job in plan.jobs:
            point = {key: (given | job.point)[key] for key in record["swept"]}
            name = known.get(_key(point))
            if name is None:
                name = folder_name(point, known.values())
                known[_key(point)] = name
                added.append({"folder": name, "point": point})
            if job.config is not None:
                job.config["sweep"]["point"] = point
            tasks.append(Task(name, RunFolder(self.path / name), point, job.config, job.launcher, job.refusal))
        return tasks, added

    def _compare(self, task: Task) -> None:
        if task.config is None or not task.folder.config.exists():
            return
        found = differences(task.folder.read_config(), task.config)
        if found:
            shown = "; ".join(f"{key} is {before!r} there and {after!r} now" for key, before, after in found[:3])
            more = f", and {len(found) - 3} more" if len(found) > 3 else ""
            raise RequestError(
                f"is another job: {shown}{more}",
                where=str(task.folder.path),
                hint="ask for the same, or for another sweep with sweep.name=NAME",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Of two commands on one sweep one writes at a time."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(self.path / ".lock")
            until = time.monotonic() + _PATIENCE
            while not lock.acquire():
                if time.monotonic() > until:
                    hint = "wait for it, or stop it"
                    raise RequestError("is being written by another command", where=str(self.path), hint=hint)
                time.sleep(0.05)
        except OSError as error:
            raise RequestError(
                f"cannot write to {self.path} ({error.strerror})",
                where="paths.root",
                hint="choose another folder with paths.root=DIR",
            ) from error
        try:
            yield
        finally:
            lock.release()


def _new(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "question": plan.settings.question,
        "swept": list(plan.swept),
        "fixed": list(plan.fixed),
        "jobs": [],
    }


def _key(point: Mapping[str, Any]) -> str:
    return repr(sorted(point.items()))


def _queue(task: Task) -> None:
    """Writes the configuration of a job that has none yet; another command may be running one that has."""
    if task.config is None:
        if not task.folder.status.exists() or read_status(task.folder)["state"] in ("queued", "refused"):
            set_state(task.folder, "refused", reason=task.refusal)
    elif not task.folder.config.exists() or not task.folder.status.exists():
        task.folder.create()
        task.folder.write_config(task.config)
        set_state(task.folder, "queued")
