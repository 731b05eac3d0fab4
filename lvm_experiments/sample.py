"""Draws from the trained model of a run: `python -m lvm_experiments.sample run=DIR n=64`."""

from __future__ import annotations

__all__ = ["main", "sample_run"]

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lvm_experiments.configuration.command import read_words
from lvm_experiments.job import guarded
from lvm_experiments.types import NonNegativeInt, PositiveInt


@dataclass(frozen=True)
class Request:
    """The keys of `conf/sample.yaml`, which explains them."""

    run: str
    n: PositiveInt
    seed: NonNegativeInt
    label: NonNegativeInt | None
    checkpoint: Literal["best", "last"]
    device: str
    allow_targets: list[str]


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    return guarded(lambda: _main(list(sys.argv[1:] if words is None else words)))


def _main(words: list[str]) -> None:
    paths = sample_run(read_words(words, "sample", Request))
    from lvm_experiments.reports.table import show_files

    show_files(paths)


def sample_run(config: dict[str, Any]) -> list[Path]:
    """Draws z from the prior and x from the likelihood, and writes them in the data's own values, with a picture.

    Arguments:
        config: What `conf/sample.yaml` holds, resolved.

    Returns:
        The files: `samples.npz` with `x` (draws) and `mean` (of x given the same z's distribution), and for
        images a picture of each, for sequences of tokens a text of each with a sentence a line.

    Raises:
        RequestError: For a folder that is no run's.
    """
    from lvm_experiments.plots import picture, png
    from lvm_experiments.runs.files import atomic_write
    from lvm_experiments.runs.load import best_device, load
    from lvm_experiments.runs.results import write_examples
    from lvm_experiments.sentences import sentences

    trained = load(
        config["run"],
        checkpoint=config["checkpoint"],
        device=best_device(config["device"]),
        allow_targets=config["allow_targets"],
    )
    n, seed, label = config["n"], config["seed"], config.get("label")
    # One seed for both: the same z, once with and once without the likelihood's noise.
    draws, means = (trained.sample(n, seed=seed, mean=mean, label=label) for mean in (False, True))
    name = f"{config['checkpoint']}_n-{n}_seed-{seed}" + ("" if label is None else f"_label-{label}")
    folder = trained.folder.path / "samples" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_examples(folder / "samples.npz", {"x": draws.cpu().numpy(), "mean": means.cpu().numpy()})
    paths = [folder / "samples.npz"]
    for name, x in {"samples": draws, "means": means}.items():
        if trained.spec.space == "tokens":
            paths.append(folder / f"{name}.txt")
            atomic_write(paths[-1], "\n".join(sentences(x, trained.spec)) + "\n")
        figure = picture(x, trained.spec, name.capitalize(), f"{trained.config['name']} · seed {seed}")
        if figure is not None:
            paths.append(folder / f"{name}.png")
            atomic_write(paths[-1], png(figure))
    return paths


if __name__ == "__main__":
    sys.exit(main())
