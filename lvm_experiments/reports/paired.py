"""Differences between runs on the same examples."""

from __future__ import annotations

__all__ = ["Difference", "paired"]

import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lvm_experiments.reports.run import Run

# Metrics that are the mean of something kept for every example, where that has another name.
_EXAMPLES = {"nll": ("log_evidence", -1.0)}


@dataclass(frozen=True)
class Difference:
    """A row's mean of a metric minus the reference's, over the examples that both have.

    Much of what makes one example harder than another is common to both, so the error is smaller than those of the
    means.

    Arguments:
        value: The mean difference.
        error: Its standard error over examples, of differences averaged over seeds; None of fewer than two examples.
        seed_error: Its standard error over seeds, where both rows have the same two or more.
        examples: How many examples both have.
        seeds: How many seeds both have; 0 where they have none in common and all runs of each were averaged.
    """

    value: float
    error: float | None
    seed_error: float | None
    examples: int
    seeds: int

    @property
    def total_error(self) -> float | None:
        """Both errors together; None where neither is known."""
        known = [error for error in (self.error, self.seed_error) if error is not None]
        return math.hypot(*known) if known else None

    @property
    def clear(self) -> bool:
        """Whether it is more than twice its error."""
        return self.total_error is not None and abs(self.value) > 2 * self.total_error


def paired(
    rows: Sequence[Sequence[Run]], reference: Sequence[Run], split: str, metrics: Iterable[str]
) -> list[dict[str, Difference]]:
    r"""The differences of rows to a reference row, for every metric that is a mean over kept examples.

    With $d_i$ the difference on example i, averaged over the S seeds that both have:
    mean $\bar d$, error $\sqrt{\sum_i (d_i - \bar d)^2 / (N (N - 1))}$.

    Arguments:
        rows: The runs of each row.
        reference: The runs of the reference row.
        split: The split.
        metrics: Names of metrics; those without kept examples are left out.
    """
    names = list(metrics)
    base = _read_all(reference, split, names)
    found = []
    for runs in rows:
        ours = base if runs is reference else _read_all(runs, split, names)
        differences = {name: _difference(name, ours, base) for name in names}
        found.append({name: one for name, one in differences.items() if one is not None})
    return found


Kept = Mapping[str, np.ndarray]


def _read_all(runs: Sequence[Run], split: str, metrics: Sequence[str]) -> list[tuple[int | None, Kept]]:
    read = ((run.seed, _read(run, split, metrics)) for run in runs if run.completed)
    return [(seed, kept) for seed, kept in read if kept]


def _read(run: Run, split: str, metrics: Sequence[str]) -> Kept:
    """Per-example values by metric, shape `(N,)`, with their `index`; empty where there are none."""
    kept: dict[str, np.ndarray] = {}
    try:
        with np.load(run.folder.examples, allow_pickle=False) as archive:
            kept["index"] = archive[f"{split}/index"]
            for metric in metrics:
                name, sign = _EXAMPLES.get(metric, (metric, 1.0))
                # A median over examples is no mean of differences; its record has no standard error.
                record = run.numbers.get(f"{split}/{metric}")
                if f"{split}/{name}" in archive.files and record is not None and record.standard_error is not None:
                    kept[metric] = sign * archive[f"{split}/{name}"]
    except (OSError, ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile):
        return {}  # nothing to pair; the means stand without it
    return kept


def _difference(
    metric: str, ours: list[tuple[int | None, Kept]], base: list[tuple[int | None, Kept]]
) -> Difference | None:
    mine = [(seed, kept) for seed, kept in ours if metric in kept]
    theirs = [(seed, kept) for seed, kept in base if metric in kept]
    if not mine or not theirs:
        return None
    common = mine[0][1]["index"]
    for _, kept in (*mine[1:], *theirs):
        common = np.intersect1d(common, kept["index"])
    if not len(common):
        return None
    seeds = [seed for seed, _ in mine if seed is not None and seed in {other for other, _ in theirs}]
    pairs = len(seeds) == len(set(seeds)) > 0
    if pairs:
        by_seed = np.stack([_of(mine, s, metric, common) - _of(theirs, s, metric, common) for s in seeds])  # (S, N)
    else:
        by_seed = (_of(mine, None, metric, common) - _of(theirs, None, metric, common))[None]
    each = by_seed.mean(0)
    value = float(each.mean())
    if not math.isfinite(value):
        return None
    return Difference(value, _error(each), _error(by_seed.mean(1)) if pairs else None, len(each), len(seeds) * pairs)


def _of(runs: list[tuple[int | None, Kept]], seed: int | None, metric: str, index: np.ndarray) -> np.ndarray:
    """A metric on examples, shape `(N,)`, of the run with a seed; the mean over all runs for None."""
    return np.mean([_at(kept, metric, index) for own, kept in runs if seed is None or own == seed], 0)


def _at(kept: Kept, metric: str, index: np.ndarray) -> np.ndarray:
    order = np.argsort(kept["index"], kind="stable")
    return kept[metric][order[np.searchsorted(kept["index"], index, sorter=order)]].astype(np.float64)


def _error(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None
