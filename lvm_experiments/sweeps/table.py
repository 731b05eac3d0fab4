"""The jobs of a sweep in the terminal: what was planned, and what became of it."""

from __future__ import annotations

__all__ = ["job_line", "monitored", "show_plan", "show_sweep"]

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lvm_experiments.errors import RequestError
from lvm_experiments.reports.paths import shortened
from lvm_experiments.reports.significant import with_error
from lvm_experiments.runs.files import read_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.point import short_names
from lvm_experiments.sweeps.folder import SweepFolder, Task
from lvm_experiments.sweeps.outcome import state_of
from lvm_experiments.sweeps.plan import Plan

_COLOURS = {"completed": "green", "failed": "red", "refused": "red", "interrupted": "yellow", "stale": "yellow"}
_SHORT = 7  # digits of a commit


def show_plan(plan: Plan, console: Console) -> None:
    """What would be run, and what of it could not be."""
    _show_title(plan.name, plan.settings.question, console)
    table = _table(plan.swept, ("state", "reason"))
    for job in plan.jobs:
        state = "refused" if job.config is None else "ready"
        table.add_row(*_point(job.point, plan.swept), _state(state), Text(job.refusal or ""))
    console.print(table)
    refused = sum(job.config is None for job in plan.jobs)
    console.print(Text(f"\n{_count(len(plan.jobs), 'job')}, {refused} refused; nothing was run"))
    console.print(Text("Whether the parts of a job fit each other is tried when the sweep starts"), soft_wrap=True)
    console.print(Text(f"They would be in {shortened(plan.folder)}"), soft_wrap=True)


def show_sweep(sweep: SweepFolder, console: Console) -> None:
    """Every job of the sweep, of earlier commands too: its point, state, reason, time and monitored number."""
    record = sweep.read()
    swept, tasks = record["swept"], sweep.jobs()
    facts = {task.name: state_of(task.folder) for task in tasks}
    numbers = {task.name: monitored(task.folder) for task in tasks}
    names = dict.fromkeys(number[0] for number in numbers.values() if number)
    _show_title(record["name"], record["question"], console)
    table = _table(swept, ("state", "seconds", *names, "reason"), right=("seconds", *names))
    for task in tasks:
        number = numbers[task.name]
        values = [number[1] if number and number[0] == name else "" for name in names]
        one = facts[task.name]
        table.add_row(
            *_point(task.point, swept),
            _state(one["state"]),
            Text(_seconds(one)),
            *map(Text, values),
            Text(str(one.get("reason") or "")),
        )
    console.print(table)
    states = Counter(one["state"] for one in facts.values())
    counted = ", ".join(f"{number} {state}" for state, number in states.most_common())
    console.print(Text(f"\n{_count(len(tasks), 'job')}: {counted}"))
    if warning := _several_sources(list(facts.values())):
        console.print(Text(warning))
    console.print(Text(f"They are in {shortened(sweep.path)}"), soft_wrap=True)


def job_line(task: Task, facts: Mapping[str, Any], done: int, of: int) -> str:
    """One line for a job that has ended."""
    number = monitored(task.folder) if facts["state"] == "completed" else None
    found = f"  {number[0]} {number[1]}" if number else ""
    took = f" after {_seconds(facts)} s" if _seconds(facts) else ""
    reason = f": {facts['reason']}" if facts.get("reason") else ""
    return f"[{done:>{len(str(of))}}/{of}] {task.name}  {facts['state']}{took}{found}{reason}"


def monitored(folder: RunFolder) -> tuple[str, str] | None:
    """The metric a run was judged by, with its value; None for one that has no results."""
    try:
        results = read_json(folder.results)
    except RequestError:
        return None
    name = results.get("model", {}).get("monitor")
    record = results.get("measurements", {}).get(name)
    if record is None:
        return None
    value = record["value"] if record["value"] is not None else float(record["non_finite"]["value"])
    return name, with_error(value, record["standard_error"])[0]


def _table(swept: Sequence[str], columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in short_names(swept, {}).values() if swept else ("job",):
        table.add_column(Text(name), overflow="fold")
    for name in columns:
        table.add_column(
            Text(name), justify="right" if name in right else "left", no_wrap=name != "reason", overflow="fold"
        )
    return table


def _point(point: Mapping[str, Any], swept: Sequence[str]) -> list[Text]:
    return [Text(str(point.get(key, ""))) for key in swept] or [Text("single")]


def _state(state: str) -> Text:
    return Text(state, style=_COLOURS.get(state, ""))


def _seconds(facts: Mapping[str, Any]) -> str:
    started, finished = facts.get("started"), facts.get("finished")
    if not started or not finished:
        return ""
    return f"{(datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds():.1f}"


def _show_title(name: str, question: str | None, console: Console) -> None:
    console.print(Text(f"\nSweep {name}", style="bold"))
    if question:
        console.print(Text(question))
    console.print()


def _several_sources(facts: Sequence[Mapping[str, Any]]) -> str:
    """A warning where the jobs are those of more than one state of the source code."""
    sources = Counter((one["git"]["commit"][:_SHORT], one["git"]["diff_sha256"]) for one in facts if one.get("git"))
    if len(sources) < 2:
        return ""
    empty = "e3b0c442"  # of no difference
    named = ", ".join(
        f"{commit}{'' if change.startswith(empty) else f' with changes {change[:_SHORT]}'} ({_count(number, 'job')})"
        for (commit, change), number in sources.items()
    )
    return f"The jobs were run with {len(sources)} states of the code, their numbers may not compare: {named}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
