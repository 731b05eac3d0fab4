"""Categorical, binomial and beta-binomial cells: enumeration, scipy, draws, saturation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from lvm_experiments.distributions import BetaBinomial, Binomial, CategoricalObservation, Observation

LEVELS = [2, 17, 256]


def categorical(raw: Tensor, levels: int) -> Observation:
    # Any three numbers to logits that are not alike.
    steps = torch.linspace(-1, 1, levels, dtype=raw.dtype)[:, None]
    return CategoricalObservation(raw[:, :, None] * steps + torch.sin(7 * steps))


FAMILIES: dict[str, Callable[[Tensor, int], Observation]] = {
    "categorical": categorical,
    "binomial": lambda raw, levels: Binomial(raw, levels - 1),
    "beta_binomial": lambda raw, levels: BetaBinomial(raw, raw.flip(-1), levels - 1),
}
RAW = torch.tensor([[[-30.0, -3.0, -0.2, 0.0, 1.0, 5.0, 30.0]]], dtype=torch.float64)


def masses(p: Observation, levels: int) -> Tensor:
    """log p of every level, shape (levels, n)."""
    n = p.event_shape[0]
    return torch.stack([p.cell_log_prob(torch.full((1, n), float(x)))[0, 0] for x in range(levels)])


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("name", FAMILIES)
def test_masses_sum_to_one_and_give_mean_and_variance(name: str, levels: int) -> None:
    p = FAMILIES[name](RAW, levels)
    mass, x = masses(p, levels).exp(), torch.arange(levels, dtype=torch.float64)[:, None]
    assert torch.allclose(mass.sum(0), torch.ones(7, dtype=torch.float64), rtol=0, atol=1e-10)
    mean = (mass * x).sum(0)
    assert torch.allclose(mean, p.mean[0, 0], rtol=1e-9, atol=1e-9)
    assert torch.allclose((mass * (x - mean) ** 2).sum(0), p.variance[0, 0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
def test_masses_sum_to_one_in_float32(name: str) -> None:
    total = masses(FAMILIES[name](RAW.float(), 256), 256).double().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=1e-5)


@pytest.mark.parametrize("levels", LEVELS)
def test_log_masses_are_scipy_s(levels: int) -> None:
    x, n = np.arange(levels)[:, None], levels - 1
    middle = RAW[..., 1:6]
    raw, mirrored = middle[0, 0].numpy(), middle.flip(-1)[0, 0].numpy()
    p = 1 / (1 + np.exp(-raw))
    mine = masses(Binomial(middle, n), levels)
    np.testing.assert_allclose(mine, stats.binom(n, p).logpmf(x), rtol=1e-9, atol=1e-10)
    a, b = np.exp(mirrored) * p, np.exp(mirrored) * (1 - p)
    mine = masses(BetaBinomial(middle, middle.flip(-1), n), levels)
    np.testing.assert_allclose(mine, stats.betabinom(n, a, b).logpmf(x), rtol=1e-9, atol=1e-9)


def test_a_categorical_is_torch_s() -> None:
    logits = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    x = torch.randint(0, 5, (3, 4)).double()
    truth = torch.distributions.Categorical(logits=logits.movedim(2, -1)).log_prob(x.long())
    mine = CategoricalObservation(logits)
    assert torch.allclose(mine.cell_log_prob(x), truth, rtol=1e-12, atol=1e-13)
    own = torch.stack([x, x.flip(0)])
    assert torch.equal(mine.cell_log_prob(own)[0], mine.cell_log_prob(x)[0])


def test_a_uniform_categorical_is_eight_bits_a_cell() -> None:
    p = CategoricalObservation(torch.zeros(1, 2, 256, 3))
    bits = -p.log_prob(torch.tensor([[0.0, 100.0, 255.0]]).expand(2, 3)) / (3 * np.log(2))
    assert torch.allclose(bits, torch.full((1, 2), 8.0), rtol=1e-6)


def test_only_the_logits_are_kept_at_full_size() -> None:
    """The gradient of the normaliser needs the logits, which are there, and a number a cell."""
    kept: list[int] = []
    logits = torch.randn(2, 3, 256, 10, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.data_ptr()) or t, lambda t: t):
        CategoricalObservation(logits).log_prob(torch.zeros(3, 10))
    storage = logits.untyped_storage()
    inside = range(storage.data_ptr(), storage.data_ptr() + storage.nbytes())
    assert kept
    sizes: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        CategoricalObservation(logits).log_prob(torch.zeros(3, 10))
    others = [n for pointer, n in zip(kept, sizes, strict=True) if pointer not in inside]
    assert max(others, default=0) <= 2 * 3 * 10


@pytest.mark.parametrize("name", FAMILIES)
def test_draws_have_the_masses(name: str) -> None:
    """Chi-square of 20,000 draws over 17 levels, p > 1e-4."""
    p = FAMILIES[name](torch.tensor([[[-1.5, 0.1, 0.8]]], dtype=torch.float64), 17)
    draws = p.sample((20_000,))[:, 0, 0]
    mass = masses(p, 17).exp().numpy()
    for cell in range(3):
        seen, expected = np.bincount(draws[:, cell].long().numpy(), minlength=17), mass[:, cell] * len(draws)
        often = expected > 5
        observed = np.append(seen[often], seen[~often].sum())
        wanted = np.append(expected[often], expected[~often].sum())
        some = wanted > 1e-3
        assert stats.chisquare(observed[some], wanted[some] * observed[some].sum() / wanted[some].sum()).pvalue > 1e-4


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("raw", [-1e4, -100.0, 0.0, 100.0, 1e4])
def test_values_and_gradients_are_finite_in_float32(name: str, raw: float) -> None:
    numbers = torch.full((1, 1, 3), raw, requires_grad=True)
    for x in (0.0, 100.0, 255.0):
        total = FAMILIES[name](numbers, 256).log_prob(torch.full((1, 3), x))
        (gradient,) = torch.autograd.grad(total.sum(), numbers)
        assert torch.isfinite(total).all()
        assert torch.isfinite(gradient).all()
