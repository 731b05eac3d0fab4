"""A sweep on W&B: a workspace and a report, written as code."""

from __future__ import annotations

__all__ = ["Board", "board", "build_report", "build_workspace", "report_json", "workspace_json"]

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import read_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.point import short_facts, short_names

_NOTE = (
    "Numbers in nats rank runs of one observation space only; bits per dimension rank all whose observation map loses "
    "nothing; the reconstruction error is in the data's own values and can be compared across all."
)


@dataclass(frozen=True)
class Board:
    """What a dashboard is about.

    Arguments:
        sweep: The sweep's name: the group of its runs.
        question: What it asks.
        project: The W&B project.
        entity: Its owner.
        swept: The config keys that vary, under their short names, the seed among them.
        across: The numeric key along the axis of the main panel; None where none varies.
        colour: The key whose values are told apart by colour.
        metric: The final number that runs are judged by, like `test/nll`.
        higher_is_better: Its direction.
    """

    sweep: str
    question: str
    project: str
    entity: str
    swept: tuple[str, ...]
    across: str | None
    colour: str
    metric: str
    higher_is_better: bool | None


def board(folder: Path, *, metric: str, higher_is_better: bool | None, project: str, entity: str) -> Board:
    """Reads off a sweep's folder what its dashboard should show.

    Arguments:
        folder: Has a `sweep.json` and the jobs' folders.
        metric: The final number that runs are judged by.
        higher_is_better: Its direction.
        project: The W&B project; empty for that of the jobs.
        entity: Its owner; empty for that of the jobs.

    Raises:
        RequestError: The folder is no sweep's.
    """
    if not (folder / "sweep.json").is_file():
        hint = "give the folder that holds sweep.json"
        raise RequestError("is not the folder of a sweep", where=str(folder), hint=hint)
    record = read_json(folder / "sweep.json")
    jobs = record["jobs"]
    if not jobs:
        raise RequestError("the sweep has no jobs", where=str(folder))
    config = RunFolder(folder / jobs[0]["folder"]).read_config()
    names = short_names(record["swept"], config)
    values = {names[word]: [job["point"].get(word) for job in jobs] for word in record["swept"]}
    facts = {**short_facts(config), **{name: column[0] for name, column in values.items()}}
    numeric = [name for name, column in values.items() if name != "seed" and all(_is_number(v) for v in column)]
    words = [name for name, column in values.items() if name not in (*numeric, "seed")]
    logger = (config.get("logger") or {}).get("wandb") or {}
    across = "latent_dim" if "latent_dim" in numeric else next(iter(numeric), None)
    first = "likelihood" if "likelihood" in words or (not words and "likelihood" in facts) else None
    rest = [name for name in (*words, *numeric) if name != across]
    return Board(
        sweep=str(record["name"]),
        question=record.get("question") or f"What difference do {', '.join(n for n in names.values())} make?",
        project=project or logger.get("project") or "lvm_experiments",
        entity=entity or logger.get("entity") or "",
        swept=tuple(names.values()),
        across=across,
        colour=first or next(iter(rest), "likelihood"),
        metric=metric,
        higher_is_better=higher_is_better,
    )


def build_workspace(about: Board) -> Any:
    """The workspace, a `wandb_workspaces.workspaces.Workspace`; nothing is asked of a server.

    Arguments:
        about: What it shows.
    """
    import wandb_workspaces.workspaces as ws

    return ws.Workspace(
        entity=about.entity or "entity",
        project=about.project,
        name=f"sweep {about.sweep}",
        sections=[
            ws.Section(name=name, panels=panels, is_open=True, pinned=place == 0)
            for place, (name, panels) in enumerate(_sections(about).items())
        ],
        runset_settings=ws.RunsetSettings(
            filters=ws.And(ws.Metric("Group") == about.sweep),
            order=[ws.Ordering(ws.Summary(about.metric), ascending=about.higher_is_better is not True)],
            pinned_columns=[f"summary:{about.metric}", *(f"config:{name}.value" for name in about.swept)],
        ),
        settings=ws.WorkspaceSettings(x_axis="trainer/global_step", max_runs=100),
    )


def build_report(about: Board, *, draft: bool = False) -> Any:
    """The report, a `wandb_workspaces.reports.v2.Report`.

    Arguments:
        about: What it shows.
        draft: Leave out whose runs they are, so that no server is asked for the project; such a report can be
            written to a file and not be saved.
    """
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces import expr

    entity, project = ("", "") if draft else (about.entity, about.project)
    blocks: list[Any] = [wr.P(text=about.question)]
    for name, panels in _sections(about).items():
        runs = wr.Runset(
            name=about.sweep, filters=expr.And(expr.Metric("Group") == about.sweep), entity=entity, project=project
        )
        blocks += [wr.H2(text=name), wr.PanelGrid(runsets=[runs], panels=panels)]
    return wr.Report(
        entity=about.entity or "entity",
        project=about.project,
        title=f"Sweep {about.sweep}",
        description=about.question,
        blocks=blocks,
        width="fluid",
    )


def workspace_json(workspace: Any) -> str:
    """A workspace as it would be sent."""
    return _text(workspace._to_model())


def report_json(report: Any) -> str:
    """A report as it would be sent; asks the server for the project unless it is a draft."""
    return _text(report._to_model())


def _sections(about: Board) -> dict[str, list[Any]]:
    import wandb_workspaces.reports.v2 as wr

    half = {"w": 12, "h": 8}

    def place(x: int, y: int, **size: int) -> Any:
        return wr.Layout(x=x, y=y, **(half | size))

    columns = [wr.ParallelCoordinatesPlotColumn(metric=wr.Config(name), display_name=name) for name in about.swept]
    inverted = None if about.higher_is_better else True
    goal = wr.ParallelCoordinatesPlotColumn(metric=wr.SummaryMetric(about.metric), inverted=inverted)
    return {
        "Comparison": [
            _main_panel(about, about.metric, place(0, 0)),
            _main_panel(about, "test/bits_per_dim", place(12, 0)),
            wr.ScatterPlot(
                title="rate-distortion plane: test/rate and test/distortion, nats",
                x=wr.SummaryMetric("test/rate"),
                y=wr.SummaryMetric("test/distortion"),
                z=None if about.across is None else wr.Config(about.across),
                layout=place(0, 8),
            ),
            wr.ParallelCoordinatesPlot(title="all that varies", columns=[*columns, goal], layout=place(12, 8)),
            wr.ParameterImportancePlot(with_respect_to=about.metric, layout=place(0, 16)),
            wr.MarkdownPanel(markdown=f"{about.question}\n\n{_NOTE}", layout=place(12, 16)),
        ],
        "Training": [
            wr.LinePlot(
                title=f"{name}, nats",
                x="trainer/global_step",
                y=[name],
                title_x="optimiser steps",
                title_y="nats",
                groupby=wr.Config(about.colour),
                groupby_aggfunc="mean",
                groupby_rangefunc="minmax",
                layout=place(12 * number, 0),
            )
            for number, name in enumerate(("val/elbo", "train/elbo"))
        ],
        "Images": [
            wr.WeavePanelSummaryTable(table_name="examples", layout=place(0, 0, w=24)),
            wr.MediaBrowser(
                title="reconstructions", media_keys=["figures/reconstructions"], num_columns=3, layout=place(0, 8)
            ),
            wr.MediaBrowser(title="samples", media_keys=["figures/samples"], num_columns=3, layout=place(12, 8)),
        ],
        "Runs": [wr.RunComparer(diff_only="split", layout=place(0, 0, w=24))],
    }


def _main_panel(about: Board, metric: str, layout: Any) -> Any:
    """A final number over the axis, a line per colour with a band over seeds; bars where there is no axis."""
    import wandb_workspaces.reports.v2 as wr

    grouped: dict[str, Any] = {
        "groupby": wr.Config(about.colour),
        "groupby_aggfunc": "mean",
        "groupby_rangefunc": "stddev",
    }
    if about.across is None:
        return wr.BarPlot(title=f"{metric} by {about.colour}", metrics=[metric], layout=layout, **grouped)
    return wr.LinePlot(
        title=f"{metric} by {about.across}, per {about.colour}",
        x=f"point/{about.across}",  # which the logger writes beside the final numbers
        y=[metric],
        title_x=about.across,
        title_y=metric,
        layout=layout,
        **grouped,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(model: Any) -> str:
    return json.dumps(json.loads(model.model_dump_json(by_alias=True, exclude_none=True)), indent=2) + "\n"
