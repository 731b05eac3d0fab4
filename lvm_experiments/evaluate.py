"""Measures the trained model of a run again: `python -m lvm_experiments.evaluate run=DIR split=test`."""

from __future__ import annotations

__all__ = ["evaluate_run", "main"]

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lvm_experiments.configuration.command import read_words
from lvm_experiments.errors import RequestError
from lvm_experiments.job import guarded
from lvm_experiments.types import NonNegativeInt

if TYPE_CHECKING:
    from lvm_experiments.evaluation import Measurement
    from lvm_experiments.runs.load import TrainedModel
    from lvm_experiments.spec import DataSpec

_ASIDE = ("_target_", "batch_size", "chunk")  # of an evaluation: what changes no number
_SHORT = {"num_samples": "K", "max_examples": "N"}


@dataclass(frozen=True)
class DataRequest:
    """What may be said of the data."""

    path: str | None


@dataclass(frozen=True)
class Request:
    """The keys of `conf/evaluate.yaml` that are no groups; it explains them."""

    run: str
    split: Literal["train", "val", "test"] | None
    seed: NonNegativeInt | None
    checkpoint: Literal["best", "last"]
    device: str
    data: DataRequest
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
        RequestError: For a folder that is no run's, a split that is not there, data that are missing or of another
            kind.
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
    data = instantiate(_data(config, trained), "data", allow).load()
    _refuse_others(data.spec, trained.spec)
    with EvaluationBar() as bar:
        measurements, examples = measure_splits(
            evaluation, trained.model, trained.observation, data, evaluation.splits, report_progress=bar.update
        )
    settings = _settings(config, asked, evaluation.splits, trained)
    folder = trained.folder.path / "evaluations" / _name(settings)
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "parameters": sum(p.numel() for p in trained.model.parameters()),
        "latent_dim": getattr(trained.model, "latent_dim", None),
    }
    write_results(folder / "results.json", measurements, facts, settings)
    write_examples(folder / "examples.npz", examples)
    return measurements, folder


def _data(config: Mapping[str, Any], trained: TrainedModel) -> dict[str, Any]:
    """The configuration of the run's data, read from where they are now or from other files."""
    data = dict(trained.config["data"])
    if config["data"]["path"] is not None:
        if "path" not in data:
            raise RequestError("the data of this run are not read from a path", where="data.path")
        data["path"] = config["data"]["path"]
        if data.get("space", "") is None:
            data["space"] = trained.spec.space  # not what other values look like
    elif "path" in data and trained.config["paths"].get("data_dir") == data["path"]:
        data["path"] = config["data_dir"] or data["path"]
    return data


def _refuse_others(found: DataSpec, own: DataSpec) -> None:
    for name in ("space", "shape", "levels", "columns", "condition"):
        here, there = getattr(found, name), getattr(own, name)
        if here != there:
            raise RequestError(
                f"the {name} of these data is {here}, and the model was trained on {there}",
                where="data.path",
                hint="give data of the same kind",
            )


def _settings(
    config: Mapping[str, Any], asked: Mapping[str, Any], splits: Sequence[str], trained: TrainedModel
) -> dict[str, Any]:
    """All that the numbers depend on, and nothing else: what is equal here is the same evaluation."""
    order = ("train", "val", "test")
    settings: dict[str, Any] = {"splits": sorted(splits, key=order.index), "checkpoint": config["checkpoint"]}
    settings |= {key: value for key, value in asked.items() if key not in (*settings, *_ASIDE)}
    path = config["data"]["path"]
    if path is not None and Path(path).expanduser().resolve() != Path(trained.config["data"]["path"] or "").resolve():
        settings["data"] = str(Path(path).expanduser().resolve())
    return settings


def _name(settings: Mapping[str, Any]) -> str:
    """A name for a folder that tells settings apart, like `val-test_best_K-1000_N-all_seed-0`."""
    words = ["-".join(settings["splits"]), settings["checkpoint"]]
    for key, value in settings.items():
        if key == "data":
            # Files of one name may lie in several places.
            words.append(f"data-{Path(value).stem}-{sha256(value.encode()).hexdigest()[:6]}")
        elif key not in ("splits", "checkpoint"):
            words.append(f"{_SHORT.get(key, key)}-{'all' if value is None else value}")
    return re.sub(r"[^\w.-]+", "-", "_".join(words))


if __name__ == "__main__":
    sys.exit(main())
