"""Poisson, negative binomial and zero-inflated cells, against scipy and mpmath."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from lvm_experiments.distributions import NegativeBinomial, Observation, Poisson, ZeroInflated
from lvm_experiments.noise import keyed_noise

X = np.array([0, 1, 2, 5, 30, 419, 10_000])
MEANS = [1e-6, 0.1, 1.0, 8.0, 300.0, 2e4]
THETAS = [1e-4, 0.3, 1.0, 12.0, 1e4]


def cells(values: Tensor, make: Callable[[], Observation]) -> Tensor:
    return make().cell_log_prob(values[None])[0, 0]


@pytest.mark.usefixtures("float64")
def test_a_poisson_is_scipy_s() -> None:
    x = torch.from_numpy(X).double()
    for mean in MEANS:
        log_rate = torch.full((1, 1, len(X)), mean).log()
        mine = cells(x, lambda log_rate=log_rate: Poisson(log_rate))  # type: ignore[misc]
        np.testing.assert_allclose(mine, stats.poisson(mean).logpmf(X), rtol=1e-9, atol=1e-10)


@pytest.mark.usefixtures("float64")
def test_a_negative_binomial_is_scipy_s() -> None:
    x = torch.from_numpy(X).double()
    for mean in MEANS:
        for theta in THETAS:
            raw = torch.full((1, 1, len(X)), mean).log()
            mine = cells(x, lambda raw=raw, theta=theta: NegativeBinomial(raw, torch.tensor(theta).log()))  # type: ignore[misc]
            truth = stats.nbinom(theta, theta / (theta + mean)).logpmf(X)
            np.testing.assert_allclose(mine, truth, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("log_mean", "log_theta"), [(0.5, 18.0), (3.0, 20.0), (-15.0, 5.0), (4.0, -18.0), (9.0, 9.0)])
@pytest.mark.parametrize("x", [0, 3, 60, 900])
def test_a_negative_binomial_keeps_its_digits_in_float32(x: int, log_mean: float, log_theta: float) -> None:
    """Towards the Poisson, where scipy's and torch's formulas subtract numbers of 1e9, and towards a spike at 0."""
    with mpmath.workdps(80):
        mean, theta = mpmath.exp(log_mean), mpmath.exp(log_theta)
        gammas = mpmath.loggamma(x + theta) - mpmath.loggamma(theta) - mpmath.loggamma(x + 1)
        truth = gammas + theta * mpmath.log(theta / (theta + mean)) + x * mpmath.log(mean / (theta + mean))
    for dtype, digits in ((torch.float64, 1e-12), (torch.float32, 2e-6)):
        p = NegativeBinomial(torch.full((1, 1, 1), log_mean, dtype=dtype), torch.tensor(log_theta, dtype=dtype))
        mine = p.log_prob(torch.full((1, 1), float(x), dtype=dtype)).item()
        # Terms of this size are added and cancel: x log x, and the mean itself.
        size = 1 + x * max(1.0, abs(log_mean), np.log(max(x, 1)), abs(log_theta)) + float(mean)
        assert abs(mine - float(truth)) <= digits * size


@pytest.mark.parametrize("x", [30, 3000, 10**5, 10**6, 10**7])
def test_digits_are_kept_in_float32_however_much_was_counted(x: int) -> None:
    """Near the mode, where log p is about -log x, out of terms as large as x log x: 1.5e8 for the last."""
    log_mean = (np.log(x) + torch.linspace(-3, 3, 13) / x**0.5)[None, None]
    value = torch.full((1, 13), float(x))

    def kinds(dtype: torch.dtype) -> list[Observation]:
        raw = log_mean.to(dtype)
        return [Poisson(raw), *(NegativeBinomial(raw, raw.new_tensor(t)) for t in (-9.0, -1.0, 2.0, 7.0, 15.0))]

    for narrow, wide in zip(kinds(torch.float32), kinds(torch.float64), strict=True):
        error = narrow.cell_log_prob(value).double() - wide.cell_log_prob(value.double())
        # Where x lies three deviations from the mean, the seventh digit of the log mean is worth so much.
        assert error.abs().max() < 2e-5 + 3e-6 * x**0.5


@pytest.mark.usefixtures("float64")
def test_a_large_theta_is_a_poisson() -> None:
    raw, x = torch.randn(1, 1, 6), torch.tensor([[0.0, 1, 2, 3, 5, 8]])
    near = NegativeBinomial(raw, torch.tensor(20.0)).log_prob(x)
    assert torch.allclose(near, Poisson(raw).log_prob(x), rtol=0, atol=1e-6)


@pytest.mark.usefixtures("float64")
def test_inflated_zeros_are_zeros_of_either_kind() -> None:
    counts, logits = Poisson(torch.tensor([[[0.3, 0.3, 2.0]]])), torch.tensor([[[-1.0, 2.0, 0.5]]])
    p, pi = ZeroInflated(counts, logits), torch.sigmoid(logits)[0, 0].numpy()
    rate = counts.mean[0, 0].numpy()
    zero = p.cell_log_prob(torch.zeros(1, 3)).exp()[0, 0]
    np.testing.assert_allclose(zero, pi + (1 - pi) * stats.poisson(rate).pmf(0), rtol=1e-12)
    four = p.cell_log_prob(torch.full((1, 3), 4.0)).exp()[0, 0]
    np.testing.assert_allclose(four, (1 - pi) * stats.poisson(rate).pmf(4), rtol=1e-12)


def families(dtype: torch.dtype) -> dict[str, Callable[..., Observation]]:
    theta = torch.tensor([-2.0, 0.0, 1.5], dtype=dtype)
    zero = torch.tensor([-3.0, 0.0, 2.0], dtype=dtype)
    return {
        "poisson": Poisson,
        "negative_binomial": lambda raw: NegativeBinomial(raw, theta),
        "zero_inflated": lambda raw: ZeroInflated(NegativeBinomial(raw, theta), zero.expand_as(raw)),
    }


@pytest.mark.parametrize("name", families(torch.float64))
def test_masses_sum_to_one_and_give_mean_and_variance(name: str) -> None:
    raw = torch.tensor([[[-1.0, 1.0, 3.0]]], dtype=torch.float64)
    p = families(torch.float64)[name](raw)
    x = torch.arange(1500, dtype=torch.float64)
    mass = torch.stack([p.cell_log_prob(v.expand(1, 3))[0, 0] for v in x]).exp()
    mean = (mass * x[:, None]).sum(0)
    assert torch.allclose(mass.sum(0), torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-9)
    assert torch.allclose(mean, p.mean[0, 0], rtol=1e-8)
    assert torch.allclose((mass * (x[:, None] - mean) ** 2).sum(0), p.variance[0, 0], rtol=1e-6)


@pytest.mark.parametrize("name", families(torch.float64))
def test_draws_have_the_masses(name: str) -> None:
    """Chi-square of 40,000 draws of each of 3 cells, p > 1e-4."""
    p = families(torch.float64)[name](torch.tensor([[[-1.0, 1.0, 3.0]]], dtype=torch.float64))
    draws = p.sample((40_000,))[:, 0, 0]
    x = torch.arange(200, dtype=torch.float64)
    mass = torch.stack([p.cell_log_prob(v.expand(1, 3))[0, 0] for v in x]).exp().numpy()
    for cell in range(3):
        expected = mass[:, cell] * len(draws)
        seen = np.bincount(draws[:, cell].long().clamp_max(200).numpy(), minlength=201)[:200]
        often = expected > 5
        observed = np.append(seen[often], len(draws) - seen[often].sum())
        wanted = np.append(expected[often], len(draws) - expected[often].sum())
        some = wanted > 1e-3
        assert stats.chisquare(observed[some], wanted[some] * observed[some].sum() / wanted[some].sum()).pvalue > 1e-4


@pytest.mark.parametrize("raw", [-1e4, -100.0, -50.0, 0.0, 50.0, 88.0, 1e4])
def test_values_and_gradients_are_finite_in_float32(raw: float) -> None:
    for x in (0.0, 1.0, 500.0):
        for other in (-1e4, -50.0, 0.0, 50.0, 1e4):
            numbers = torch.full((3, 1, 1, 1), raw)
            numbers[1:] = other
            mean, theta, zero = numbers.requires_grad_()
            value = torch.full((1, 1), x)
            total = Poisson(mean).log_prob(value) + ZeroInflated(NegativeBinomial(mean, theta), zero).log_prob(value)
            (gradient,) = torch.autograd.grad(total.sum(), numbers)
            assert torch.isfinite(total).all()
            assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", families(torch.float64))
def test_a_draw_belongs_to_its_example(name: str) -> None:
    raw = torch.randn(6, 4, 3)
    index = torch.tensor([7, 1, 5, 3])
    with keyed_noise(index, seed=0):
        whole = families(torch.float32)[name](raw).sample()
    with keyed_noise(index[2:3], seed=0, first=4):
        part = families(torch.float32)[name](raw[4:, 2:3]).sample()
    assert torch.equal(whole[4:, 2:3], part)
