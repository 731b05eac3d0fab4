"""Measures the trained model of a run again: `python -m lvm_experiments.evaluate run=DIR split=test`."""

from __future__ import annotations

__all__ = ["evaluate_run", "main"]

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lvm_experiments.configuration.command import read_words
from lvm_experiments.job import guarded
from lvm_experiments.types import NonNegativeInt

if TYPE_CHECKING:
    from lvm_experiments.evaluation import Measurement


@dataclass(frozen=True)
class Request:
    """The keys of `conf/evaluate.yaml` that are no groups; it explains them."""

    run: str
    split: Literal["train", "val", "test"] | None
    seed: NonNegativeInt | None
    checkpoint: Literal["best", "last"]
    device: str
    data_dir: str | None
    allow_targets: list[str]


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    return guarded(lambda: _main(list(sys.argv[1:] if words is None else words)))


def _main(words: list[str]) -> None:
    config = read_words(words, "evaluate", Request)
    measurements, folder = evaluate_run(config)
    from lvm_experiments.reports.table import show_measurements

    show_measurements(measurements, files=[folder / "results.json", folder / "examples.npz"])


def evaluate_run(config: dict[str, Any]) -> tuple[list[Measurement], Path]:
    """Measures the model of a run and writes what was found into the run's folder, beside the run's own results.

    Arguments:
        config: What `conf/evaluate.yaml` holds, resolved.

    Returns:
        The measurements, and the folder they were written to.

    Raises:
        RequestError: For a folder that is no run's, a split that is not there, data that are missing.
    """
    from lvm_experiments.configuration import instantiate
    from lvm_experiments.measure import measure_splits
    from lvm_experiments.runs.load import best_device, load
    from lvm_experiments.runs.results import write_examples, write_results
    from lvm_experiments.terminal import EvaluationBar

    allow = config["allow_targets"]
    trained = load(
        config["run"], checkpoint=config["checkpoint"], device=best_device(config["device"]), allow_targets=allow
    )
    asked = dict(config["evaluation"])
    if config["split"] is not None:
        asked["splits"] = [config["split"]]
    if config["seed"] is not None:
        asked["seed"] = config["seed"]
    evaluation = instantiate(asked, "evaluation", allow)
    where = dict(trained.config["data"])
    if config["data_dir"] is not None and "path" in where and trained.config["paths"].get("data_dir") == where["path"]:
        where["path"] = config["data_dir"]
    data = instantiate(where, "data", allow).load()
    with EvaluationBar() as bar:
        measurements, examples = measure_splits(
            evaluation, trained.model, trained.observation, data, evaluation.splits, report_progress=bar.update
        )
    name = f"{'-'.join(evaluation.splits)}_{config['checkpoint']}_K-{evaluation.num_samples}_seed-{evaluation.seed}"
    folder = trained.folder.path / "evaluations" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_results(folder / "results.json", measurements, {"checkpoint": config["checkpoint"], "evaluation": asked})
    write_examples(folder / "examples.npz", examples)
    return measurements, folder


if __name__ == "__main__":
    sys.exit(main())
