"""Trap 6: the normaliser near 0.5 and at saturation, against mpmath with 60 digits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.distributions import ContinuousBernoulli

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
LAMBDAS = [1e-6, 0.3, 0.499, 0.4999, 0.5, 0.5001, 0.7, 1 - 1e-6]
# Both sides of every switch between a series and the closed form, and far away.
LOGITS = [0.0, 1e-12, 1e-4, 9.99e-4, 1.001e-3, 0.01, 0.1, 0.2999, 0.3, 0.3001, 0.5, 1.0, 5.0, 20.0, 50.0, 100.0]
LOGITS = sorted({s * logit for logit in LOGITS for s in (-1.0, 1.0)})


def log_p(logits: Tensor, x: Tensor) -> Tensor:
    """Of cell x[i] under logits[i]."""
    return ContinuousBernoulli(logits[None, None]).cell_log_prob(x[None])[0, 0]


def truth(logit: float) -> dict[str, float]:
    """log C, mean and variance with 60 digits."""
    with mpmath.workdps(60):
        logit = mpmath.mpf(logit)
        if logit == 0:
            return {"log_norm": 0.0, "mean": 0.5, "variance": 1 / 12}
        grown = mpmath.expm1(logit)
        mean = 1 + 1 / grown - 1 / logit
        variance = 1 / logit**2 - mpmath.exp(logit) / grown**2
        norm = mpmath.log(logit / grown)
    return {"log_norm": float(norm), "mean": float(mean), "variance": float(variance)}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("lam", LAMBDAS)
def test_mass_is_one(lam: float, dtype: torch.dtype) -> None:
    logit = torch.full((200,), math.log(lam) - math.log1p(-lam), dtype=dtype)
    density = log_p(logit, torch.tensor(NODES, dtype=dtype)).double().exp().numpy()
    assert abs((density * WEIGHTS).sum() - 1) < (1e-12 if dtype == torch.float64 else 2e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-100.0, -50.0, -20.0, 20.0, 50.0, 100.0])
def test_mass_is_one_at_saturated_logits(logit: float, dtype: torch.dtype) -> None:
    """Torch's own class has 0.80, 0.32 and 0.16 there in float32."""
    density = log_p(torch.full((200,), logit, dtype=dtype), torch.tensor(NODES, dtype=dtype))
    mass = (density.double().exp().numpy() * WEIGHTS).sum()
    assert abs(mass - 1) < (1e-12 if dtype == torch.float64 else 2e-5)


def test_torch_s_own_class_still_loses_its_mass() -> None:
    """The reason for a class of our own; when this fails, it may be gone."""
    theirs = torch.distributions.ContinuousBernoulli(logits=torch.full((200,), 50.0))
    density = theirs.log_prob(torch.tensor(NODES, dtype=torch.float32)).double().exp().numpy()
    assert (density * WEIGHTS).sum() < 0.9


def test_the_normaliser_at_one_half_is_two() -> None:
    """C(0.5) = 2 multiplies 0.5^x 0.5^(1 - x): the density is 1, to the bit."""
    assert (log_p(torch.zeros(5), torch.linspace(0, 1, 5)) == 0).all()


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 2e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_value_and_gradient_are_exact(x: float, dtype: torch.dtype, digits: float) -> None:
    logits = torch.tensor(LOGITS, dtype=dtype, requires_grad=True)
    value = log_p(logits, torch.full((len(LOGITS),), x, dtype=dtype))
    (gradient,) = torch.autograd.grad(value.sum(), logits)
    for logit, v, g in zip(logits.tolist(), value.tolist(), gradient.tolist(), strict=True):
        exact = truth(logit)
        x_exact = float(torch.tensor(x, dtype=dtype))
        assert abs(v - (x_exact * logit + exact["log_norm"])) < digits * (1 + abs(logit)), logit
        assert abs(g - (x_exact - exact["mean"])) < 10 * digits, logit


def test_gradients_at_one_do_not_vanish_when_saturated() -> None:
    """d log p / d l at x = 1 is 1/l - e^-l/(1 - e^-l); torch's own class gives 0."""
    logits = torch.tensor([20.0, 50.0, 100.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(log_p(logits, torch.ones(3)).sum(), logits)
    assert torch.allclose(gradient, 1 / logits.detach(), rtol=1e-4)


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_mean_and_variance_are_exact(dtype: torch.dtype, digits: float) -> None:
    p = ContinuousBernoulli(torch.tensor(LOGITS, dtype=dtype)[None, None])
    for logit, mean, variance in zip(
        p.logits[0, 0].tolist(), p.mean[0, 0].tolist(), p.variance[0, 0].tolist(), strict=True
    ):
        exact = truth(logit)
        assert abs(mean - exact["mean"]) < digits * exact["mean"], logit
        assert abs(variance - exact["variance"]) < digits * exact["variance"], logit


def test_values_and_slopes_are_continuous_across_the_switch() -> None:
    """On a fine grid around |l| = 0.3 the second difference of log C stays that of a smooth function."""
    logits = torch.linspace(0.29, 0.31, 2001, dtype=torch.float64, requires_grad=True)
    value = log_p(logits, torch.zeros(2001, dtype=torch.float64))
    (slope,) = torch.autograd.grad(value.sum(), logits)
    assert torch.allclose(slope.diff(), slope.diff().mean().expand(2000), rtol=5e-3)
    assert torch.allclose(value.detach().diff() / 1e-5, (slope[1:] + slope[:-1]) / 2, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_follow_the_distribution_function(dtype: torch.dtype) -> None:
    """F(x) = (e^(l x) - 1) / (e^l - 1) of 20,000 draws is uniform: Kolmogorov-Smirnov, p > 1e-4."""
    from scipy.stats import kstest

    logits = torch.tensor([-100.0, -20.0, -1.0, -1e-4, 0.0, 1e-4, 0.5, 20.0, 100.0], dtype=dtype)
    draws = ContinuousBernoulli(logits[None, None]).sample((20_000,))[:, 0, 0].double().numpy()
    assert draws.min() >= 0
    assert draws.max() <= 1
    for logit, x in zip(logits.double().tolist(), draws.T, strict=True):
        # From the side that keeps digits: 1 - F mirrors x and l.
        side = x if logit < 0 else 1 - x
        size = -abs(logit)
        u = side if logit == 0 else np.expm1(size * side) / np.expm1(size)
        assert kstest(u, "uniform").pvalue > 1e-4, logit


def test_draws_have_the_stated_mean_at_small_logits_too() -> None:
    """E[x] - 1/2 = l / 12 there. With the midpoints of 10^6 strata for noise, to 1e-9."""
    from tests.support.given_noise import given_uniform

    u = (torch.arange(1_000_000, dtype=torch.float64) + 0.5) / 1e6
    for logit in (-9e-4, -1e-5, 1e-5, 9e-4, 1.1e-3, 0.1):
        p = ContinuousBernoulli(torch.full((1, 1, 1_000_000), logit, dtype=torch.float64))
        with given_uniform(u):
            x = p.sample()
        assert x.mean().item() == pytest.approx(truth(logit)["mean"], abs=1e-9)
