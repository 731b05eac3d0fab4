"""What a command asks for as a sweep: every job composed and checked, before anything is written or imported."""

from __future__ import annotations

__all__ = ["Plan", "Planned", "first_composition", "make_plan"]

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lvm_experiments.configuration.checking import check, check_object
from lvm_experiments.configuration.composition import Composition, compose_job
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.places import with_absolute_paths
from lvm_experiments.configuration.settings import SweepSettings
from lvm_experiments.configuration.tree import ConfigTree
from lvm_experiments.errors import RequestError
from lvm_experiments.sweeps.axes import Point, grid, read_axes
from lvm_experiments.sweeps.naming import sweep_name

ENGINES = "lvm_experiments.sweeps"
"""The package whose classes `hydra.launcher` may name; a module of the user's own needs `allow_targets`."""

Compose = Callable[[Sequence[str]], Composition]


@dataclass(frozen=True)
class Planned:
    """A job of a plan.

    Arguments:
        point: Its swept values.
        words: As on the command line of a single run.
        config: Resolved and checked; None where there is none.
        launcher: `hydra.launcher` as it is for this job.
        refusal: Why there is none.
    """

    point: Point
    words: tuple[str, ...]
    config: dict[str, Any] | None = None
    launcher: dict[str, Any] | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep as a command asks for it.

    Arguments:
        name: Of the sweep.
        folder: Where it lies.
        settings: How it is run.
        swept: The words that vary.
        fixed: The other words of the command.
        jobs: In the order of the grid.
        launcher: What starts them, `hydra.launcher` of the first.
    """

    name: str
    folder: Path
    settings: SweepSettings
    swept: tuple[str, ...]
    fixed: tuple[str, ...]
    jobs: tuple[Planned, ...]
    launcher: dict[str, Any]


def make_plan(
    words: Sequence[str], first: Composition, tree: ConfigTree, config_name: str = "config", run_id: str | None = None
) -> Plan:
    """Composes every job of a sweep by itself. One that cannot be is refused, and costs the others nothing.

    Arguments:
        words: Of the command line.
        first: One point of the sweep, composed: tells the swept words that the configuration itself brings.
        tree: Where the files are.
        config_name: The primary file.
        run_id: What `${run_id:}` stands for.

    Raises:
        RequestError: For a sweep over nothing, or where not one job can be composed.
    """
    chosen: dict[tuple[str, ...], Any] = {}

    def compose(line: Sequence[str]) -> Composition:
        composition = compose_job(line, config_name, tree=tree, run_id=run_id, chosen=chosen)
        check(composition.config, tree=tree)
        check_object(composition.launcher, "hydra.launcher", [ENGINES, *composition.config.allow_targets])
        return composition

    fixed, axes = read_axes(words, first.params, tree)
    points = list(grid(fixed, axes))
    given = to_plain(first.config, resolve=True)["sweep"]["name"]
    name = str(given) if given is not None else sweep_name(axes, fixed)
    if Path(name).name != name or name.startswith("."):
        raise RequestError(f"{name!r} is not the name of a folder", where="sweep.name", hint="use letters and digits")
    naming = [f"sweep.name='{name}'"]
    made, folder, settings = [], None, None
    errors: list[RequestError] = []
    for line, point in points:
        try:
            composition = compose([*line, *naming])
        except RequestError as error:
            errors.append(error)
            made.append(Planned(point, tuple(line), refusal=str(error)))
            continue
        config = with_absolute_paths(to_plain(composition.config, resolve=True))
        folder = folder or composition.sweep_dir
        settings = settings or SweepSettings(**config["sweep"])
        config["sweep"] |= {"name": name, "point": point}
        made.append(Planned(point, tuple(line), config, composition.launcher))
    if folder is None or settings is None:
        raise errors[0]
    launcher = next(job.launcher for job in made if job.launcher is not None)
    swept = tuple(axis.key for axis in axes)
    return Plan(name, folder, replace(settings, point=None), swept, tuple(fixed), tuple(made), launcher)


def first_composition(lines: Iterable[Sequence[str]], compose: Compose) -> Composition:
    """The first of several command lines that can be composed.

    Raises:
        RequestError: None can; what is wrong with the first of them.
    """
    errors: list[RequestError] = []
    for line in lines:
        try:
            return compose(line)
        except RequestError as error:
            errors.append(error)
    raise errors[0]
