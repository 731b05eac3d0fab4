"""Cells of torch's own distributions."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch.distributions import Dirichlet, Geometric, Gumbel

from lvm_experiments.distributions import Cells


@pytest.mark.usefixtures("float64")
def test_density_is_the_product_over_what_was_observed() -> None:
    loc, x = torch.randn(2, 3, 1, 4), torch.randn(3, 1, 4)
    p = Cells(Gumbel(loc, 2.0))
    cells = torch.from_numpy(stats.gumbel_r.logpdf(x.numpy(), loc.numpy(), 2.0))
    torch.testing.assert_close(p.log_prob(x), cells.sum((2, 3)))
    mask = torch.rand(3, 1, 4) < 0.5
    broken = torch.where(mask, x, torch.nan)
    torch.testing.assert_close(p.log_prob(broken, mask), torch.where(mask, cells, 0.0).sum((2, 3)))


def test_support_is_that_of_a_cell() -> None:
    p = Cells(Geometric(torch.full((1, 1, 4), 0.5)))
    assert p.support.check(torch.tensor([0.0, 1.0, 2.0, 7.0]))
    assert not p.support.check(torch.tensor([0.0, 1.0, 0.5, 7.0]))


def test_vectors_are_no_cells() -> None:
    with pytest.raises(ValueError, match="a cell is one number, and draws of Dirichlet have several"):
        Cells(Dirichlet(torch.ones(1, 1, 4)))
