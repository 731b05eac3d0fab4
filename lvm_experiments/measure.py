"""Measuring a model on the splits of a data set."""

from __future__ import annotations

__all__ = ["measure_splits"]

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import distributed

from lvm_experiments.batch import Batch
from lvm_experiments.data import Data, Split, StreamedSplit
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation import Evaluation, Measurement
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap
from lvm_experiments.processes import several_processes


def measure_splits(
    evaluation: Evaluation,
    model: LatentVariableModel,
    observation: ObservationMap,
    data: Data,
    splits: Sequence[str],
    *,
    report_progress: Callable[[str, int, int], None] = lambda split, done, total: None,
) -> tuple[list[Measurement], dict[str, np.ndarray]]:
    """Every number of every split, on all ranks there are.

    Arguments:
        evaluation: How thoroughly.
        model: The model, on its device.
        observation: The map to its likelihood's space.
        data: The data set.
        splits: Names of splits.
        report_progress: Called with the split, the examples done by this rank and how many it has.

    Returns:
        The measurements, and per-example values named `split/value`.

    Raises:
        RequestError: For a split that is not there or data outside the likelihood's support.
    """
    measurements: list[Measurement] = []
    examples: dict[str, np.ndarray] = {}
    for name in splits:
        split = data.split(name)
        rows = _rows(evaluation, len(split))
        done = 0

        def told(n: int, name: str = name, total: int = len(rows)) -> None:
            nonlocal done
            done += n
            report_progress(name, done, total)

        try:
            report = evaluation.measure(
                model, observation, _batches(split, rows, evaluation.batch_size), name, report_progress=told
            )
        except ValueError as cause:
            raise RequestError(str(cause), where=f"data ({name})") from cause
        measurements += report.measurements
        examples |= {f"{name}/{key}": values for key, values in report.examples.items()}
    return measurements, examples


def _rows(evaluation: Evaluation, examples: int) -> torch.Tensor:
    """This rank's examples: every world-th, none padded, none twice."""
    chosen = evaluation.chosen(examples)
    rows = torch.arange(examples) if chosen is None else chosen
    if several_processes():
        rows = rows[distributed.get_rank() :: distributed.get_world_size()]
    return rows


def _batches(split: Split | StreamedSplit, rows: torch.Tensor, batch_size: int) -> Iterator[Batch]:
    for some in rows.split(batch_size):
        if len(some):
            yield split.take(some)
