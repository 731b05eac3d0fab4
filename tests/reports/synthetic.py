"""Run folders without runs: written by the project's own writers, with numbers of which everything is known."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lvm_experiments.evaluation.metrics import METRICS, Measurement
from lvm_experiments.runs.files import write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History
from lvm_experiments.runs.results import write_examples, write_results
from lvm_experiments.runs.status import set_state

EXAMPLES = 40


def measurement(name: str, value: float, **changes: Any) -> Measurement:
    """A measurement of the metric behind a name."""
    split, _, metric = name.partition("/")
    fields = {
        "name": name,
        "value": value,
        "unit": METRICS[metric].unit,
        "estimator": "importance sampling, K = 100",
        "num_samples": 100,
        "split": split,
        "examples": EXAMPLES,
        "space": "binary (dynamic)",
        "standard_error": None if METRICS[metric].unit == "units" else 0.5,
        "monte_carlo_error": None,
        "higher_is_better": METRICS[metric].higher_is_better,
    }
    return Measurement(**{**fields, **changes})


def write_run(
    path: Path,
    numbers: Mapping[str, float] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    state: str = "completed",
    reason: str | None = None,
    examples: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    epochs: int = 0,
    pictures: bool = False,
    **changes: Any,
) -> RunFolder:
    """A run folder.

    Arguments:
        path: Where.
        numbers: Values by name; None leaves results.json out.
        config: What is run.
        state: Its state.
        reason: One line.
        examples: Arrays of examples.npz.
        epochs: How many rows of history.
        pictures: Whether it has figures.
        changes: To every measurement, like its space.
    """
    folder = RunFolder(path)
    set_state(folder, state, reason=reason)
    status = json.loads(folder.status.read_text())
    times = {"started": "2026-11-01T10:00:00.000+00:00", "finished": "2026-11-01T10:01:15.000+00:00"}
    write_json(folder.status, {**status, **times, "git": {"commit": "a" * 40, "diff_sha256": "b" * 64}})
    folder.write_config({"seed": 0, "monitor": None, **(config or {})})
    if numbers is not None:
        found = [measurement(name, value, **changes) for name, value in numbers.items()]
        write_results(folder.results, found, {"monitor": "val/elbo"})
    if examples:
        write_examples(folder.examples, {name: np.asarray(values) for name, values in examples.items()})
    history = History(folder.metrics)
    for epoch in range(epochs):
        value = -100.0 / (epoch + 1) - (5.0 if epoch == epochs - 1 else 0.0)  # best in the last epoch but one
        history.add(10 * epoch + 9, {"epoch": epoch, "val/elbo": value})
    if pictures:
        write_json(folder.spec, {"shape": [1, 8, 8]})
        folder.figures.mkdir()
        draw_grid(folder.figures / "reconstructions.png", seed=zlib.crc32(path.parent.name.encode()))
        draw_grid(folder.figures / "samples.png", seed=zlib.crc32(path.as_posix().encode()), panels=2)
    return folder


def write_sweep(
    root: Path,
    runs: Sequence[tuple[dict[str, Any], Mapping[str, Any]]],
    *,
    question: str | None = None,
    name: str | None = None,
) -> Path:
    """A sweep folder of runs, each given by its point (with the seed) and the arguments of `write_run`."""
    jobs = []
    for point, arguments in runs:
        values = [str(value) for key, value in point.items() if key != "seed"]
        folder = f"{'_'.join(values) or 'all'}/seed-{point.get('seed', 0)}"
        jobs.append({"folder": folder, "point": point})
        write_run(root / folder, **arguments)
    swept = list(dict.fromkeys(key for point, _ in runs for key in point))
    content = {"name": name or root.name, "question": question, "swept": swept, "fixed": ["trainer=cpu"], "jobs": jobs}
    write_json(root / "sweep.json", content)
    return root


def draw_grid(path: Path, *, seed: int, panels: int = 1, rows: int = 4, columns: int = 10) -> list[np.ndarray]:
    """A figure of 8 x 8 images as `plots.tile` draws it: bands of data above reconstructions, or panels of samples."""
    zoom, gap, between = 9, 2, 10
    cell = 8 * zoom + 2
    band = 2 if panels == 1 else rows
    height = 60 + rows * (cell + gap) + (rows // band - 1) * between + 20
    width = 20 + panels * (columns * (cell + gap) + 50)
    sheet = np.full((height, width, 3), 255, dtype=np.uint8)
    generator = np.random.default_rng(seed)
    data = np.random.default_rng(0)  # the same test images in every figure
    images = []
    for panel in range(panels):
        for row in range(rows):
            for column in range(columns):
                source = data if panels == 1 and row % 2 == 0 else generator
                image = source.integers(0, 256, (8, 8), dtype=np.uint8)
                images.append(image)
                top = 60 + row * (cell + gap) + (row // band) * between
                left = 20 + panel * (columns * (cell + gap) + 50) + column * (cell + gap)
                sheet[top : top + cell, left : left + cell] = 176
                inner = image.repeat(zoom, 0).repeat(zoom, 1)[..., None]
                sheet[top + 1 : top + cell - 1, left + 1 : left + cell - 1] = inner
    Image.fromarray(sheet).save(path)
    return images


def whole_run(likelihood: str, latent_dim: int, seed: int, **changes: Any) -> dict[str, Any]:
    """The arguments of a completed run with everything a run has."""
    spaces = {"bernoulli": "binary (dynamic)", "gaussian": "real, 17 levels dequantised"}
    base = {"bernoulli": 24.0, "gaussian": -28.0}.get(likelihood, 90.0)
    generator = np.random.default_rng([zlib.crc32(likelihood.encode()), latent_dim, seed])
    nll = base + 4 / latent_dim + 0.2 * generator.normal()
    rate, elbo = 2.0 + latent_dim / 4 + 0.1 * generator.normal(), -nll - 0.4
    values = {"nll": nll, "elbo": elbo, "rate": rate, "distortion": -elbo - rate, "active_units": float(latent_dim)}
    values["reconstruction_error"] = 10 + 0.1 * generator.normal()
    if likelihood != "bernoulli":
        values["bits_per_dim"] = 2 + 0.01 * nll
    each = {
        name: value + generator.normal(size=EXAMPLES) for name, value in values.items() if METRICS[name].unit == "nats"
    }
    arrays = {
        "test/index": np.arange(EXAMPLES),
        **{f"test/{name}": each[name] for name in ("elbo", "rate", "distortion")},
    }
    arrays["test/log_evidence"] = -each["nll"]
    return {
        "numbers": {f"{split}/{name}": value for split in ("val", "test") for name, value in values.items()},
        "config": {"seed": seed, "model": {"latent_dim": latent_dim}, "optimizer": {"lr": 0.001}},
        "examples": arrays,
        "epochs": 12,
        "pictures": True,
        "space": spaces.get(likelihood, "bytes, 17 levels"),
        **changes,
    }


def grid(root: Path, likelihoods: Sequence[str], dims: Sequence[int], seeds: int, **changes: Any) -> Path:
    """A sweep of completed runs over likelihoods, latent dimensions and seeds."""
    runs = [
        ({"model/likelihood": name, "model.latent_dim": dim, "seed": seed}, whole_run(name, dim, seed, **changes))
        for name in likelihoods
        for dim in dims
        for seed in range(seeds)
    ]
    return write_sweep(root, runs, question="Which likelihood & how many dimensions?")
