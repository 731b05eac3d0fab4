"""Compares runs: `python -m lvm_experiments.compare DIR... [--watch]`."""

from __future__ import annotations

__all__ = ["compare_folders", "main"]

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lvm_experiments.configuration.command import read_words
from lvm_experiments.job import guarded
from lvm_experiments.types import NonNegativeInt, PositiveFloat

if TYPE_CHECKING:
    from lvm_experiments.reports.comparison import Comparison

PATIENCE = 30.0
"""Seconds without any change after which jobs that wait, and none that runs, are not waited for."""


@dataclass(frozen=True)
class Request:
    """The keys of `conf/compare.yaml`, which explains them."""

    folders: list[str]
    out: str | None
    metric: str | None
    baseline: str | None
    watch: bool
    interval: PositiveFloat
    pictures: NonNegativeInt


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    return guarded(lambda: _main(list(sys.argv[1:] if words is None else words)))


def _main(words: list[str]) -> None:
    rest = [word for word in words if word != "--watch"]
    folders = [word for word in rest if not word.startswith("-") and ("=" not in word or Path(word).is_dir())]
    config = read_words([word for word in rest if word not in folders], "compare", Request)
    config["folders"] = [*config["folders"], *folders]
    config["watch"] = config["watch"] or len(rest) < len(words)
    if config["watch"]:
        _watch(config)
        return
    from lvm_experiments.reports.comparison_table import show_comparison
    from lvm_experiments.reports.table import show_files

    comparison, files = compare_folders(config)
    show_comparison(comparison)
    show_files(files)


def compare_folders(config: dict[str, Any], *, reload: float | None = None) -> tuple[Comparison, list[Path]]:
    """Compares the runs in some folders and writes what was found.

    Arguments:
        config: What `conf/compare.yaml` holds, resolved.
        reload: Seconds after which the report loads itself again; None: never.

    Returns:
        The comparison, and the files it was written to.

    Raises:
        RequestError: For a folder without runs, a metric or a row that is not there.
    """
    from lvm_experiments.reports.collect import collect
    from lvm_experiments.reports.comparison import compare
    from lvm_experiments.reports.write import write_comparison

    collection = collect(config["folders"])
    comparison = compare(collection, metric=config["metric"], baseline=config["baseline"])
    out = Path(config["out"]).expanduser().absolute() if config["out"] else collection.folders[0] / "comparison"
    return comparison, write_comparison(comparison, out, reload=reload, pictures=config["pictures"])


def _watch(config: dict[str, Any]) -> None:
    """Looks again and again, until no run is running and none that waits is about to."""
    from rich.console import Console
    from rich.live import Live

    from lvm_experiments.reports.comparison_table import render_comparison, show_comparison
    from lvm_experiments.reports.table import show_files

    console = Console()
    live = Live(console=console, auto_refresh=False, screen=False) if console.is_terminal else nullcontext()
    seen: dict[str, int] = {}
    changed = time.monotonic()
    with live as shown:
        while True:
            comparison, _ = compare_folders(config, reload=config["interval"])
            counts = comparison.collection.counts
            if counts != seen:
                seen, changed = counts, time.monotonic()
                if shown is None:  # no terminal: a line for every change
                    print(", ".join(f"{n} {state}" for state, n in counts.items()), flush=True)
            if shown is not None:
                shown.update(render_comparison(comparison, console), refresh=True)
            # Between two jobs none may run for a moment; a sweep that was stopped leaves jobs that wait.
            waits = "queued" in counts and time.monotonic() - changed < PATIENCE
            if not comparison.collection.live and not waits:
                break
            time.sleep(config["interval"])
        if shown is not None:
            shown.update("", refresh=True)
    comparison, files = compare_folders(config)
    show_comparison(comparison, console)
    show_files(files)


if __name__ == "__main__":
    sys.exit(main())
