"""Counts given their total."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from lvm_experiments.distributions import (
    AutoregressivePixels,
    Bernoulli,
    FullNormalObservation,
    Multinomial,
    Poisson,
)
from lvm_experiments.networks.gated_pixel_cnn import GatedPixelCNN

pytestmark = pytest.mark.usefixtures("float64")


def test_it_is_scipy_s() -> None:
    logits, x = torch.randn(2, 3, 5), torch.poisson(torch.full((3, 5), 4.0))
    mine = Multinomial(logits, torch.tensor(20.0)).log_prob(x)
    share = torch.softmax(logits, -1).numpy()
    for k in range(2):
        for b in range(3):
            truth = stats.multinomial(int(x[b].sum()), share[k, b]).logpmf(x[b].numpy())
            assert mine[k, b].item() == pytest.approx(truth, rel=1e-10)


def test_it_is_what_poisson_cells_are_given_their_total() -> None:
    logits, x = torch.randn(1, 1, 6), torch.tensor([[3.0, 0, 1, 7, 0, 2]])
    cells = Poisson(torch.log_softmax(logits, -1) + np.log(9.0)).log_prob(x)
    total = stats.poisson(9.0).logpmf(13)
    assert torch.allclose(Multinomial(logits, torch.tensor(9.0)).log_prob(x), cells - total, rtol=1e-12)


def test_nothing_counted_is_certain() -> None:
    assert Multinomial(torch.randn(1, 1, 4), torch.tensor(5.0)).log_prob(torch.zeros(1, 4)).item() == pytest.approx(
        0.0, abs=1e-15
    )


@pytest.mark.parametrize("often", [1, 30, 1000, 10**5, 10**7])
def test_digits_are_kept_in_float32_however_much_was_counted(often: int) -> None:
    """At the shares that x has, log p is about half of log N for each cell, out of terms as large as N log N."""
    x = torch.tensor([[1.0, 2.0, 3.0, 5.0, 7.0]]) * often
    logits = (x.log() - 90)[None].float()  # a shift that softmax takes out
    truth = stats.multinomial(int(x.sum()), torch.softmax(logits.double(), -1)[0, 0].numpy()).logpmf(x[0].numpy())
    mine = Multinomial(logits, torch.tensor(5.0)).log_prob(x.float())
    assert mine.dtype == torch.float32
    assert mine.item() == pytest.approx(truth, abs=1e-4)


def test_cells_share_the_whole_of_an_image() -> None:
    logits = torch.randn(1, 2, 3, 2, 2)
    p = Multinomial(logits, torch.tensor(6.0))
    flat = Multinomial(logits.flatten(2), torch.tensor(6.0))
    x = torch.poisson(torch.ones(2, 3, 2, 2))
    assert torch.allclose(p.log_prob(x), flat.log_prob(x.flatten(1)), rtol=1e-12)
    assert torch.allclose(p.mean.sum((2, 3, 4)), torch.full((1, 2), 6.0))


COUPLED = {
    "multinomial": Multinomial(torch.zeros(1, 1, 4), torch.tensor(3.0)),
    "full normal": FullNormalObservation(torch.zeros(1, 1, 4), torch.eye(4).expand(1, 1, 4, 4)),
    "pixels": AutoregressivePixels(
        torch.zeros(1, 1, 2, 1, 2, 2), GatedPixelCNN(1, 2, 1, 1, 4, 3), lambda raw: Bernoulli(raw[:, :, 0]), 1, 2
    ),
}


@pytest.mark.parametrize("name", COUPLED)
def test_cells_that_are_coupled_take_a_mask_that_hides_none_and_no_other(name: str) -> None:
    p = COUPLED[name]
    x = torch.ones(1, *p.event_shape, dtype=p.mean.dtype)
    mask = torch.ones_like(x, dtype=torch.bool)
    assert torch.equal(p.log_prob(x, mask), p.log_prob(x))
    mask[..., -1] = False
    with pytest.raises(ValueError, match="whole examples, and cells are missing"):
        p.log_prob(x, mask)
