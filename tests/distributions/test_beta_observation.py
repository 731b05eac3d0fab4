"""Beta cells against scipy, mpmath and quadrature: wide, narrow, U-shaped, at the edges, in float32 too."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from scipy import stats

from lvm_experiments.distributions import BetaObservation
from lvm_experiments.noise import keyed_noise

PAIRS = [(1.0, 1.0), (0.5, 0.5), (0.5, 7.0), (7.9, 8.1), (2.0, 30.0), (3e3, 1e3), (5e5, 5e5), (0.5, 1e6), (1e6, 0.7)]
X = [1e-30, 1e-7, 1e-3, 0.2, 0.5, 0.7501, 0.999, 1 - 2**-20]


def cells(alpha: float, beta: float, n: int, dtype: torch.dtype = torch.float64) -> BetaObservation:
    return BetaObservation(torch.full((1, 1, n), alpha, dtype=dtype), torch.full((1, 1, n), beta, dtype=dtype))


def truth(x: float, alpha: float, beta: float) -> float:
    with mpmath.workdps(50):
        x, alpha, beta = mpmath.mpf(x), mpmath.mpf(alpha), mpmath.mpf(beta)
        norm = mpmath.loggamma(alpha) + mpmath.loggamma(beta) - mpmath.loggamma(alpha + beta)
        return float((alpha - 1) * mpmath.log(x) + (beta - 1) * mpmath.log1p(-x) - norm)


@pytest.mark.parametrize(("alpha", "beta"), PAIRS)
def test_log_density_is_mpmath_s(alpha: float, beta: float) -> None:
    near = [min(alpha / (alpha + beta) * (1 + d), 1 - 1e-9) for d in (-1e-3, 0.0, 1e-4)]
    x = torch.tensor([*X, *near], dtype=torch.float64)
    mine = cells(alpha, beta, len(x)).cell_log_prob(x[None])[0, 0].tolist()
    for v, m in zip(x.tolist(), mine, strict=True):
        assert m == pytest.approx(truth(v, alpha, beta), rel=1e-10, abs=1e-10), v


@pytest.mark.parametrize(("alpha", "beta"), PAIRS)
def test_log_density_keeps_its_digits_in_float32(alpha: float, beta: float) -> None:
    """Within five deviations of a narrow one's mean, where lgamma(1e6) is 1.3e7 and rounds to 1."""
    law = stats.beta(alpha, beta)
    x = torch.tensor(law.ppf([1e-4, 0.1, 0.5, 0.9, 0.999]), dtype=torch.float32).clamp(1e-30, 1 - 2**-20)
    p = cells(alpha, beta, len(x), torch.float32)
    mine = p.cell_log_prob(x[None])[0, 0].tolist()
    for v, m in zip(x.tolist(), mine, strict=True):
        exact = truth(v, p.alpha[0, 0, 0].item(), p.beta[0, 0, 0].item())
        assert m == pytest.approx(exact, rel=2e-6, abs=5e-4), v


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, 0.5), (0.5, 7.0), (2.0, 30.0), (3e3, 1e3)])
def test_mass_is_one(alpha: float, beta: float) -> None:
    """The trapezoid rule over the logit."""
    t = torch.linspace(-60, 36, 40_001, dtype=torch.float64)
    # As 1 - x on the right, where x itself would round to 1.
    x = torch.sigmoid(t)
    log_p = cells(alpha, beta, len(t)).cell_log_prob(x[None])[0, 0]
    mass = (log_p.exp() * x * torch.sigmoid(-t)).sum() * (t[1] - t[0])
    assert mass.item() == pytest.approx(1, abs=2e-7)


def test_a_uniform_density_is_uniform() -> None:
    x = torch.tensor([1e-7, 0.1, 0.5, 0.9, 1 - 1e-6])
    assert torch.allclose(cells(1.0, 1.0, 5, torch.float32).cell_log_prob(x[None]), torch.zeros(5), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_up_to_the_edges(dtype: torch.dtype) -> None:
    margin = 4 * torch.finfo(dtype).eps / 256
    x = torch.tensor([0.0, margin, 0.5, 1 - 4 * torch.finfo(dtype).eps, 1.0], dtype=dtype)
    for alpha, beta in PAIRS:
        a, b = (torch.full((1, 1, 5), v, dtype=dtype, requires_grad=True) for v in (alpha, beta))
        log_p = BetaObservation(a, b).cell_log_prob(x[None])
        assert log_p.isfinite().all()
        for gradient in torch.autograd.grad(log_p.sum(), (a, b)):
            assert gradient.isfinite().all()


@pytest.mark.parametrize(("alpha", "beta"), PAIRS)
def test_mean_and_variance_are_scipy_s(alpha: float, beta: float) -> None:
    p, law = cells(alpha, beta, 1), stats.beta(alpha, beta)
    assert p.mean.item() == pytest.approx(law.mean(), rel=1e-12)
    assert p.variance.item() == pytest.approx(law.var(), rel=1e-10)


# In float32 a deviation of the last pair has ten numbers.
@pytest.mark.parametrize(
    ("alpha", "beta", "dtype"),
    [*((*pair, torch.float64) for pair in PAIRS[1:]), *((*pair, torch.float32) for pair in PAIRS[1:-1])],
)
def test_draws_follow_the_distribution_function(alpha: float, beta: float, dtype: torch.dtype) -> None:
    """Kolmogorov-Smirnov on 3,000 draws, p > 1e-4; all inside the open interval."""
    x = cells(alpha, beta, 3000, dtype).sample()[0, 0]
    assert (x > 0).all()
    assert (x < 1).all()
    assert stats.kstest(x.double().numpy(), stats.beta(alpha, beta).cdf).pvalue > 1e-4


def test_draws_belong_to_their_examples() -> None:
    alpha = torch.rand(1, 5, 4) + 0.5
    with keyed_noise(torch.arange(5), seed=1):
        whole = BetaObservation(alpha, alpha).sample()
    with keyed_noise(torch.arange(2, 4), seed=1):
        part = BetaObservation(alpha[:, 2:4], alpha[:, 2:4]).sample()
    assert torch.equal(whole[:, 2:4], part)


def test_the_edges_lie_outside() -> None:
    support = cells(2.0, 2.0, 1).support.base_constraint
    assert support.check(torch.tensor([0.0, 1e-30, 1 - 1e-7, 1.0])).tolist() == [False, True, True, False]
    assert np.isfinite(cells(2.0, 2.0, 1).log_prob(torch.zeros(1, 1, dtype=torch.float64)).item())
