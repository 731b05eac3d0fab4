"""Finding runs: those of sweeps, and any others below a folder."""

from __future__ import annotations

__all__ = ["Collection", "beyond_sweep", "collect"]

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError
from lvm_experiments.reports.difference import difference, differing_keys
from lvm_experiments.reports.run import Run, read_run
from lvm_experiments.runs.files import read_json
from lvm_experiments.runs.folder import RunFolder

SWEEP = "sweep.json"
"""What makes a folder a sweep."""


@dataclass(frozen=True)
class Collection:
    """Runs that are compared.

    Arguments:
        title: What they are together.
        question: What the sweep was made to answer; empty where nothing says.
        folders: Where they were found.
        keys: What was swept, without the seed: the columns that name a point.
        fixed: Words of the sweep's command line that all its jobs share.
        runs: The runs, in the order of the sweep; every `point` has every key.
    """

    title: str
    question: str
    folders: tuple[Path, ...]
    keys: tuple[str, ...]
    fixed: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def live(self) -> bool:
        """Whether a run is running."""
        return any(run.state == "running" for run in self.runs)

    @property
    def counts(self) -> dict[str, int]:
        """How many runs are in which state, those of most runs first."""
        found: dict[str, int] = {}
        for run in self.runs:
            found[run.state] = found.get(run.state, 0) + 1
        return dict(sorted(found.items(), key=lambda pair: (pair[0] != "completed", -pair[1], pair[0])))


def collect(folders: Iterable[str | os.PathLike[str]]) -> Collection:
    """Reads every run in some folders.

    A sweep's own file tells its jobs and what was swept. Where there is none, or sweeps of different kinds are put
    together, the swept keys are those in which the configurations differ.

    Arguments:
        folders: Sweeps, run folders, or folders with either below them.

    Raises:
        RequestError: A folder is not there, holds no run, or its sweep.json is damaged.
    """
    paths = tuple(dict.fromkeys(Path(os.path.abspath(Path(folder).expanduser())) for folder in folders))
    if not paths:
        raise RequestError("no folder is given", hint="python -m lvm_experiments.compare DIR...")
    sweeps: list[tuple[Path, dict[str, Any]]] = []
    single: list[tuple[Path, Path]] = []
    for path in paths:
        if not path.is_dir():
            raise RequestError("there is no such folder", where=str(path), hint="give a sweep or a folder of runs")
        for found in _walk(path):
            if (found / SWEEP).is_file():
                sweeps.append((found, _read_sweep(found / SWEEP)))
            else:
                single.append((path, found))
    several = len(paths) > 1 or len(sweeps) > 1
    runs: list[Run] = []
    for root, sweep in sweeps:
        for job in sweep["jobs"]:
            name = job["folder"] if not several else f"{root.name}/{job['folder']}"
            runs.append(read_run(RunFolder(root / job["folder"]), name, job["point"]))
    for root, found in single:
        inner = found.relative_to(root).as_posix()
        name = root.name if inner == "." else inner if not several else f"{root.name}/{inner}"
        runs.append(read_run(RunFolder(found), name))
    runs = list({run.folder.path: run for run in runs}.values())
    if not runs:
        raise RequestError("holds no run", where=str(paths[0]), hint="a run's folder has a status.json")
    swept = {tuple(key for key in sweep["swept"] if key != "seed") for _, sweep in sweeps}
    fixed: tuple[str, ...] = ()
    if not single and len(swept) == 1:
        (keys,) = swept
        runs = [replace(run, point={key: run.point.get(key) for key in keys}) for run in runs]
        fixed = tuple(sweeps[0][1].get("fixed") or ()) if len(sweeps) == 1 else ()
        if len(sweeps) > 1:
            keys, runs = _told_apart(keys, [root for root, _ in sweeps], runs)
        if len(sweeps) > 1 and _collide(runs):
            keys = ("sweep", *keys)
            runs = [replace(run, point={"sweep": run.name.split("/")[0], **run.point}) for run in runs]
    else:
        keys, points = differing_keys([run.config for run in runs])
        runs = [replace(run, point=point) for run, point in zip(runs, points, strict=True)]
    names = [str(sweep.get("name") or root.name) for root, sweep in sweeps] or [path.name for path in paths]
    questions = dict.fromkeys(str(sweep["question"]) for _, sweep in sweeps if sweep.get("question"))
    return Collection(", ".join(dict.fromkeys(names)), " ".join(questions), paths, tuple(keys), fixed, tuple(runs))


def beyond_sweep(collection: Collection) -> dict[str, list[tuple[str, list[str]]]]:
    """Keys in which runs differ though they were not swept: by key, the values and the runs that have each."""
    found: dict[str, dict[str, list[str]]] = {}
    runs = [run for run in collection.runs if run.config]
    swept = [key.replace("/", ".") for key in (*collection.keys, "seed")]
    for key, values in difference([run.config for run in runs]).items():
        if any(key == part or key.startswith(f"{part}.") for part in swept):
            continue
        for run, value in zip(runs, values, strict=True):
            found.setdefault(key, {}).setdefault(value, []).append(run.name)
    return {key: list(values.items()) for key, values in found.items()}


def _walk(path: Path) -> Iterator[Path]:
    """Sweeps and runs in a folder, in alphabetical order; nothing below either is looked at."""
    for where, inner, files in os.walk(path):
        if {SWEEP, "status.json", "results.json"} & set(files):
            inner.clear()
            yield Path(where)
        else:
            inner[:] = sorted(name for name in inner if not name.startswith("."))


def _read_sweep(path: Path) -> dict[str, Any]:
    sweep = read_json(path)
    jobs, swept = sweep.get("jobs"), sweep.get("swept")
    good = isinstance(swept, list) and isinstance(jobs, list) and all(map(_is_job, jobs))
    if not good:
        raise RequestError("describes no sweep", where=str(path))
    return sweep


def _is_job(job: object) -> bool:
    if not isinstance(job, Mapping) or not isinstance(job.get("folder"), str):
        return False
    inside = not Path(job["folder"]).is_absolute() and ".." not in Path(job["folder"]).parts
    return inside and isinstance(job.get("point"), Mapping)


def _told_apart(keys: tuple[str, ...], roots: Sequence[Path], runs: list[Run]) -> tuple[tuple[str, ...], list[Run]]:
    """What sweeps over the same keys differ in beside them stands in columns of its own."""
    owners = [next(root for root in roots if run.folder.path.is_relative_to(root)) for run in runs]
    first = {root: run.config for root, run in reversed(list(zip(owners, runs, strict=True))) if run.config}
    swept = [key.replace("/", ".") for key in keys]
    more, points = differing_keys(list(first.values()))
    more = tuple(key for key in more if not any(key == part or key.startswith(f"{part}.") for part in swept))
    of_sweep = {root: {key: point[key] for key in more} for root, point in zip(first, points, strict=True)}
    found = [
        replace(run, point={**of_sweep.get(root, {}), **run.point}) for root, run in zip(owners, runs, strict=True)
    ]
    return (*more, *keys), found


def _collide(runs: Sequence[Run]) -> bool:
    """Whether two runs have the same point and seed."""
    named = [(repr(run.point), run.seed) for run in runs]
    return len(set(named)) < len(named)
