"""A sweep's dashboard on W&B: `python -m lvm_experiments.dashboard outputs/sweeps/NAME [entity=NAME]`."""

from __future__ import annotations

__all__ = ["main", "make_dashboard"]

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lvm_experiments.configuration.command import read_words
from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.job import guarded

_EXTRA = "pip install 'lvm_experiments[dashboard]'"


@dataclass(frozen=True)
class Request:
    """The keys of `conf/dashboard.yaml`; it explains them."""

    folder: str
    metric: str
    project: str | None
    entity: str | None
    offline: bool | None
    out: str | None
    allow_targets: list[str]


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    return guarded(lambda: _main(list(sys.argv[1:] if words is None else words)))


def _main(words: list[str]) -> None:
    # The folder may stand alone, as it does for `compare`.
    named = [word if "=" in word or word.startswith("-") else f"folder={_quoted(word)}" for word in words]
    make_dashboard(read_words(named, "dashboard", Request))


def make_dashboard(config: Mapping[str, Any]) -> list[str]:
    """Saves a workspace and a report, or writes them to files where there is no login.

    Arguments:
        config: What `conf/dashboard.yaml` holds.

    Returns:
        The addresses of what was saved, or the files.

    Raises:
        RequestError: The folder is no sweep's, or wandb-workspaces is not installed.
        RunError: The server did not take it.
    """
    from lvm_experiments.evaluation.metrics import metric_of
    from lvm_experiments.reports.workspace import board
    from lvm_experiments.runs.account import wandb_mode

    if find_spec("wandb_workspaces") is None:
        raise RequestError("wandb-workspaces is not installed", hint=_EXTRA)
    folder = Path(config["folder"]).expanduser()
    about = board(
        folder,
        metric=config["metric"],
        higher_is_better=metric_of(config["metric"]).higher_is_better,
        project=config["project"] or "",
        entity=config["entity"] or "",
    )
    if wandb_mode(offline=config["offline"]) == "online":
        return _save(about)
    return _write(about, folder, Path(config["out"]).expanduser() if config["out"] else folder / "dashboard")


def _save(about: Any) -> list[str]:
    import wandb

    from lvm_experiments.reports.workspace import build_report, build_workspace

    addresses = []
    try:
        about = replace(about, entity=about.entity or wandb.Api().default_entity)
        for build in (build_workspace, build_report):
            addresses.append(build(about).save().url)
            print(addresses[-1])
    except Exception as error:  # a service may fail in any way
        raise RunError(
            f"W&B did not take it ({type(error).__name__}: {error})",
            where=f"{about.entity}/{about.project}".lstrip("/"),
            hint="is there such a project? offline=true writes files instead",
        ) from error
    return addresses


def _write(about: Any, folder: Path, out: Path) -> list[str]:
    from lvm_experiments.reports.paths import shortened
    from lvm_experiments.reports.workspace import build_report, build_workspace, report_json, workspace_json
    from lvm_experiments.runs.files import atomic_write

    texts = {
        "workspace.json": workspace_json(build_workspace(about)),
        "report.json": report_json(build_report(about, draft=True)),
    }
    for name, text in texts.items():
        atomic_write(out / name, text)
        print(shortened(out / name))
    print(
        "Not sent: no W&B login here. `wandb login`, send the runs with"
        f"\n  python -m lvm_experiments.sync {shortened(folder)}"
        f"\nand then save the dashboard with\n  python -m lvm_experiments.dashboard {shortened(folder)}"
    )
    return [str(out / name) for name in texts]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


if __name__ == "__main__":
    sys.exit(main())
