"""A sweep from its plan to its table."""

from __future__ import annotations

__all__ = ["run_sweep"]

import os
from typing import Any

from rich.console import Console
from rich.text import Text

from lvm_experiments.errors import Interrupted
from lvm_experiments.sweeps.engine import make_engine
from lvm_experiments.sweeps.folder import SweepFolder, Task
from lvm_experiments.sweeps.outcome import state_of
from lvm_experiments.sweeps.plan import Plan
from lvm_experiments.sweeps.runner import Runner
from lvm_experiments.sweeps.table import job_line, show_plan, show_sweep

_WIDE = 160  # letters of a line where the output is no terminal


def run_sweep(plan: Plan, console: Console | None = None) -> int:
    """Runs what is left of a sweep, or shows what would be run.

    Arguments:
        plan: Every job of it.
        console: Where to; None for the standard output.

    Returns:
        The exit code: 1 where not every job asked for is completed, or could be.

    Raises:
        RequestError: The folder holds another sweep, or the engine is not there.
        Interrupted: By a signal, after the table.
    """
    console = console or _console()
    if plan.settings.dry_run:
        show_plan(plan, console)
        return int(any(job.config is None for job in plan.jobs))
    allow = next(job.config["allow_targets"] for job in plan.jobs if job.config is not None)
    engine = make_engine(plan.launcher, allow)
    sweep = SweepFolder(plan.folder)
    tasks = sweep.add(plan)
    possible = [task for task in tasks if task.config is not None]
    engine.open(sweep.path, possible)
    done = sum(state_of(task.folder)["state"] == "completed" for task in tasks)
    if done:
        console.print(Text(f"{done} of {len(tasks)} jobs are completed already"))

    def report(task: Task, facts: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        console.print(Text(job_line(task, facts, done, len(tasks))), soft_wrap=True)

    for task in tasks:
        if task.refusal is not None:
            done += 1
            console.print(Text(f"{task.name}  refused: {task.refusal}"), soft_wrap=True)
    try:
        Runner(engine, plan.settings, report).run(possible)
    except Interrupted:
        console.print(Text("interrupted; the same command goes on"))
        show_sweep(sweep, console)
        raise
    show_sweep(sweep, console)
    return int(any(state_of(task.folder)["state"] != "completed" for task in tasks))


def _console() -> Console:
    console = Console()
    # Nothing says how wide a file is; reasons are long.
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_WIDE)
