"""A table's likelihood is the sum of its columns'."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from lvm_experiments.likelihoods import HeterogeneousLikelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_likelihood

COLUMNS = ("positive", "real", "categorical(3)", "counts", "binary", "categorical(2)", "real", "categorical(3)")
MEAN = torch.tensor([5.0, -200.0, 1.0, 4.0, 0.5, 0.5, 0.001, 1.0])
STD = torch.tensor([2.0, 50.0, 1.0, 3.0, 0.5, 0.5, 0.0002, 1.0])
SPEC = DataSpec("mixed", (8,), columns=COLUMNS, mean=MEAN, std=STD)
X = torch.tensor([[4.2, -230.0, 2.0, 7.0, 1.0, 0.0, 0.0013, 1.0]])


@pytest.mark.usefixtures("float64")
def test_it_is_the_sum_of_its_parts() -> None:
    part, x = HeterogeneousLikelihood(SPEC, min_variance=1e-12), X.double()
    # Groups in the order of their names: binary, categorical(2), categorical(3), counts, positive, real.
    raw = {
        "binary": torch.randn(1),
        "two": torch.randn(2, 1),
        "three": torch.randn(3, 2),
        "counts": torch.randn(1),
        "positive": torch.randn(2, 1),
        "real": torch.randn(2, 2),
    }
    p = part(torch.cat([piece.flatten() for piece in raw.values()])[None, None])
    variance = np.log1p((2.0 / 5.0) ** 2)
    log_mean = np.log(5.0) - variance / 2 + np.sqrt(variance) * raw["positive"][0, 0].item()
    spread = np.sqrt(variance) * (raw["positive"][1, 0].exp().item() + 1e-6)
    loc = np.array([-200.0, 0.001]) + np.array([50.0, 0.0002]) * raw["real"][0].numpy()
    scale = np.array([50.0, 0.0002]) * (raw["real"][1].exp().numpy() + 1e-6)
    three = torch.log_softmax(raw["three"], 0)
    truth = [
        stats.lognorm(spread, scale=np.exp(log_mean)).logpdf(4.2),
        stats.norm(loc[0], scale[0]).logpdf(-230.0),
        three[2, 0].item(),
        stats.poisson(4.0 * raw["counts"].exp().item()).logpmf(7),
        stats.bernoulli(torch.sigmoid(raw["binary"]).item()).logpmf(1),
        torch.log_softmax(raw["two"], 0)[0, 0].item(),
        stats.norm(loc[1], scale[1]).logpdf(0.0013),
        three[1, 1].item(),
    ]
    # Mean and deviation are kept in float32, where 0.001 is known to 1e-8 of itself.
    np.testing.assert_allclose(p.cell_log_prob(x)[0, 0], truth, rtol=2e-6, atol=2e-6)
    assert p.log_prob(x).item() == pytest.approx(sum(truth), rel=1e-6)
    mask = torch.tensor([True, False, True, True, False, False, True, False])
    some = sum(value for value, seen in zip(truth, mask, strict=True) if seen)
    assert p.log_prob(torch.where(mask, x, torch.nan), mask).item() == pytest.approx(some, rel=1e-6)


def test_it_keeps_the_contract_in_units_of_the_data() -> None:
    check_likelihood(HeterogeneousLikelihood, SPEC)


def test_a_decoder_that_says_nothing_gives_the_training_data_s_mean_and_deviation() -> None:
    p = HeterogeneousLikelihood(SPEC)(torch.zeros(1, 1, *HeterogeneousLikelihood(SPEC).parameter_shape))
    for d, column in enumerate(COLUMNS):
        if column in ("real", "positive"):
            assert p.mean[0, 0, d].item() == pytest.approx(MEAN[d].item(), rel=2e-3)
            assert p.variance[0, 0, d].item() == pytest.approx(STD[d].item() ** 2, rel=1e-2)
    assert p.mean[0, 0, 3].item() == pytest.approx(4.0, rel=1e-5)


def test_columns_that_no_training_example_has_leave_the_others_their_gradients() -> None:
    """Their training mean and deviation are given as 0, which have no logarithm."""
    never = torch.zeros(8)
    part = HeterogeneousLikelihood(DataSpec("mixed", (8,), columns=COLUMNS, mean=never, std=never))
    raw = torch.randn(1, 1, *part.parameter_shape, requires_grad=True)
    for mask in (torch.zeros(8, dtype=torch.bool), torch.ones(8, dtype=torch.bool)):
        log_p = part(raw).log_prob(X, mask)
        assert torch.isfinite(log_p).all()
        assert torch.isfinite(torch.autograd.grad(log_p.sum(), raw)[0]).all()


@pytest.mark.parametrize(
    ("d", "value"),
    [(0, 0.0), (0, -1.0), (1, torch.inf), (2, 3.0), (2, 0.5), (3, -1.0), (3, 1.5), (4, 2.0), (6, torch.nan)],
)
def test_a_value_its_column_does_not_have_is_refused_by_its_name(d: int, value: float) -> None:
    x = X.clone()
    x[0, d] = value
    part = HeterogeneousLikelihood(SPEC)
    with pytest.raises(ValueError, match=rf"^column {d} is said to be ") as caught:
        part.check(x)
    assert COLUMNS[d] in str(caught.value)
    part.check(x, torch.arange(8) != d)
    part.check(X)


def test_columns_have_to_be_named_and_known() -> None:
    with pytest.raises(ValueError, match="0 types for shape"):
        HeterogeneousLikelihood(DataSpec("mixed", (3,)))
    with pytest.raises(ValueError, match="no column is of type 'ordinal'"):
        HeterogeneousLikelihood(DataSpec("mixed", (1,), columns=("ordinal",)))
