from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.data import Split, StreamedSplit
from lvm_experiments.data.summary import STREAMED_EXAMPLES, summary


class Counting(StreamedSplit):
    def __init__(self, size: int) -> None:
        self.size = size
        self.read: list[int] = []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int | None]:
        self.read.append(row)
        return torch.tensor([row], dtype=torch.float32), None


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_it_equals_numpy(chunk: int) -> None:
    x = np.random.default_rng(0).integers(0, 256, (101, 1, 3, 4), dtype=np.uint8)
    mean, std = summary(Split(torch.from_numpy(x)), chunk=chunk)
    assert mean.dtype == std.dtype == torch.float32
    np.testing.assert_allclose(mean.numpy(), x.mean(0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(std.numpy(), x.std(0, dtype=np.float64), rtol=1e-6)


def test_a_large_offset_does_not_swallow_the_deviation() -> None:
    x = torch.tensor([[2.0**24], [2.0**24 + 2]]).repeat(500, 1)
    assert summary(Split(x), chunk=64)[1].item() == pytest.approx(1.0, abs=1e-6)


def test_missing_cells_do_not_count() -> None:
    x = torch.tensor([[1.0, torch.nan, torch.nan], [3.0, 7.0, torch.inf]])
    mask = torch.tensor([[True, False, False], [True, True, False]])
    for chunk in (1, 2):
        mean, std = summary(Split(x, mask=mask), chunk=chunk)
        assert mean.tolist() == [2, 7, 0]
        assert std.tolist() == [1, 0, 0]


def test_streamed_examples_are_read_up_to_the_documented_number() -> None:
    few, many = Counting(50), Counting(10 * STREAMED_EXAMPLES)
    assert summary(few)[0].item() == pytest.approx(24.5)
    assert few.read == list(range(50))
    assert summary(many)[0].item() == pytest.approx((many.size - 1) / 2, rel=1e-3)
    assert len(many.read) == STREAMED_EXAMPLES
    assert (many.read[0], many.read[-1]) == (0, many.size - 1)
