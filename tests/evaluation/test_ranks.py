"""Protocol trap (c): the same numbers on 1, 2 and 4 ranks with uneven shards, by real processes over gloo."""

from __future__ import annotations

import multiprocessing
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import Evaluation, Measurement, Report
from lvm_experiments.observations import BinariseDynamic, Identity, ObservationMap
from lvm_experiments.spec import DataSpec
from tests.support.tiny import Tiny

SPEC = DataSpec("bytes", (3,), levels=17)
EXAMPLES = 11


def measure(rank: int, world: int, *, masked: bool = False) -> Report:
    """This rank's share, in batches of 2: every world-th example; rank 3 of 4 may see none."""
    x = torch.randint(0, 17, (EXAMPLES, 3), generator=torch.Generator().manual_seed(0))
    shares = torch.arange(EXAMPLES)[rank::world]
    if world == 4:
        shares = [torch.arange(6), torch.arange(6, 7), torch.arange(7, 11), torch.arange(0)][rank]
    x = x % 2 if masked else x
    mask = torch.ones(EXAMPLES, 3, dtype=torch.bool)
    given = [Batch(x[i], index=i, mask=mask[i] if masked and 0 in i else None) for i in shares.split(2) if len(i)]
    observation: ObservationMap = BinariseDynamic(SPEC)
    if masked:
        observation = Identity(observation.spec)
    return Evaluation(num_samples=10, chunk=4).measure(Tiny.make().model, observation, given, "test")


def _errors(measurement: Measurement) -> list[float]:
    """Those that are stated, and -1 for those that are not."""
    stated = [measurement.standard_error, measurement.monte_carlo_error]
    return [-1.0 if error is None else error for error in stated]


def _work(rank: int, world: int, store: str, found: SimpleQueue, masked: bool) -> None:  # noqa: FBT001
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=world)
    report = measure(rank, world, masked=masked)
    found.put((rank, report.measurements, report.examples))
    distributed.barrier()
    distributed.destroy_process_group()


def in_processes(world: int, folder: Path, *, masked: bool = False) -> list[Report]:
    context = multiprocessing.get_context("fork")
    found = context.SimpleQueue()
    store = str(folder / "store")
    workers = [context.Process(target=_work, args=(rank, world, store, found, masked)) for rank in range(world)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * world
    answers = sorted((found.get() for _ in workers), key=lambda answer: answer[0])
    return [Report(measurements, examples) for _, measurements, examples in answers]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("world", [2, 4])
def test_ranks_change_no_number(world: int, tmp_path: Path) -> None:
    """11 examples on 2 or 4 ranks (6, 1, 4 and none): nothing is padded, every rank has the whole answer."""
    alone = measure(0, 1)
    for report in in_processes(world, tmp_path):
        assert report.examples["index"].tolist() == list(range(EXAMPLES))
        for mine, theirs in zip(report.measurements, alone.measurements, strict=True):
            assert (mine.name, mine.examples, mine.estimator) == (theirs.name, EXAMPLES, theirs.estimator)
            assert mine.value == pytest.approx(theirs.value, rel=1e-9)
            for a, b in zip(_errors(mine), _errors(theirs), strict=True):
                assert a == pytest.approx(b, rel=1e-7)
        for name, values in alone.examples.items():
            np.testing.assert_allclose(report.examples[name], values, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("float64")
def test_ranks_agree_on_what_they_report_where_one_has_missing_cells(tmp_path: Path) -> None:
    """Binary data have bits per dimension, unless cells are missing anywhere."""
    reports = in_processes(2, tmp_path, masked=True)
    names = [[m.name for m in report.measurements] for report in reports]
    assert names[0] == names[1]
    assert "test/bits_per_dim" not in names[0]
    assert "test/nll" in names[0]
