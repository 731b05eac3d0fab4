"""The encoder of sets: any cells, in any order, and nothing of those that are missing."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.networks import SetEncoder
from lvm_experiments.spec import DataSpec

COLUMNS = ("real", "categorical(3)", "counts")


def test_what_stands_in_missing_cells_changes_no_bit() -> None:
    encoder = SetEncoder(DataSpec("binary", (3, 4, 4), levels=2), hidden=[8])
    x, mask = torch.rand(6, 3, 4, 4), torch.rand(6, 1, 4, 4) < 0.5
    mask[0], mask[1] = True, False
    found = []
    for filler in (0.0, 1e6, torch.nan):
        filled = torch.where(mask, x, x.new_tensor(filler))
        found.append(encoder(filled, Batch(filled, mask=mask)))
    assert all(torch.equal(found[0], other) for other in found)
    assert torch.isfinite(found[0]).all()
    assert torch.allclose(found[0][0], encoder(x[:1], Batch(x[:1]))[0], atol=1e-5)


def test_a_missing_cell_is_not_one_that_is_0() -> None:
    encoder = SetEncoder(DataSpec("real", (4,)), hidden=[8])
    x, mask = torch.zeros(1, 4), torch.tensor([[True, True, True, False]])
    assert not torch.equal(encoder(x, Batch(x)), encoder(x, Batch(x, mask=mask)))


@pytest.mark.usefixtures("float64")
@torch.no_grad()
def test_the_order_of_cells_does_not_count_but_which_they_are() -> None:
    encoder = SetEncoder(DataSpec("real", (5,)), hidden=[8])
    x, order = torch.randn(3, 5), torch.tensor([3, 0, 4, 1, 2])
    h = encoder(x, Batch(x))
    assert not torch.allclose(encoder(x[:, order], Batch(x[:, order])), h, atol=1e-6)
    encoder.cells.copy_(encoder.cells[order].clone())
    assert torch.allclose(encoder(x[:, order], Batch(x[:, order])), h, atol=1e-12)


def test_the_cells_of_a_category_are_missing_together() -> None:
    spec = DataSpec("mixed", (3,), columns=COLUMNS)
    encoder = SetEncoder(spec, hidden=[8])
    mask = torch.tensor([[True, False, True]])
    found = []
    for category in (0.0, 2.0):
        x = spec.embed(torch.tensor([[0.5, category, 3.0]]))
        assert x.shape == (1, 5)
        found.append(encoder(x, Batch(torch.zeros(1, 3), mask=mask)))
    assert torch.equal(*found)
    assert not torch.equal(found[0], encoder(x, Batch(torch.zeros(1, 3))))
