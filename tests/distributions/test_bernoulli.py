from __future__ import annotations

import mpmath
import pytest
import torch
from scipy.special import expit

from lvm_experiments.distributions import Bernoulli


def cells(logits: list[float], dtype: torch.dtype = torch.float64) -> Bernoulli:
    return Bernoulli(torch.tensor(logits, dtype=dtype)[None, None])


@pytest.mark.usefixtures("float64")
def test_log_prob_is_torch_s() -> None:
    logits = torch.linspace(-25, 25, 101)
    for x in (0.0, 1.0):
        value = torch.full((1, 101), x)
        mine = Bernoulli(logits[None, None]).cell_log_prob(value)[0, 0]
        truth = torch.distributions.Bernoulli(logits=logits).log_prob(value[0])
        assert torch.allclose(mine, truth, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-1000.0, -100.0, -50.0, -20.0, 0.0, 20.0, 50.0, 100.0, 1000.0])
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_saturated_logits_give_the_exact_value_and_gradient(logit: float, x: float, dtype: torch.dtype) -> None:
    logits = torch.tensor([[[logit]]], dtype=dtype, requires_grad=True)
    log_p = Bernoulli(logits).log_prob(torch.full((1, 1), x, dtype=dtype))
    with mpmath.workdps(500):
        truth = x * mpmath.mpf(logit) - mpmath.log(1 + mpmath.exp(logit))
        slope = float(x - 1 / (1 + mpmath.exp(-mpmath.mpf(logit))))
    tolerance = torch.finfo(dtype).eps * max(abs(logit), 1)
    assert abs(log_p.item() - float(truth)) <= tolerance
    (gradient,) = torch.autograd.grad(log_p.sum(), logits)
    assert abs(gradient.item() - slope) <= 2 * torch.finfo(dtype).eps


def test_the_two_values_of_a_cell_sum_to_one() -> None:
    p = cells([-50.0, -3.0, 0.0, 0.5, 50.0])
    both = [p.cell_log_prob(torch.full((1, 5), x, dtype=torch.float64)).exp() for x in (0.0, 1.0)]
    assert torch.allclose(sum(both), torch.ones(1, 1, 5, dtype=torch.float64), rtol=0, atol=1e-14)


def test_pixels_are_summed_and_twice_the_pixels_have_twice_the_log_prob() -> None:
    logits = torch.randn(2, 3, 1, 4, 4, dtype=torch.float64)
    x = (torch.rand(3, 1, 4, 4) < 0.5).double()
    once = Bernoulli(logits).log_prob(x)
    twice = Bernoulli(torch.cat([logits, logits], 2)).log_prob(torch.cat([x, x], 1))
    assert torch.allclose(twice, 2 * once, rtol=1e-14, atol=0)
    assert torch.allclose(once, Bernoulli(logits).cell_log_prob(x).sum((2, 3, 4)), rtol=1e-14)


def test_draws_have_the_stated_mean() -> None:
    """Within 5 standard errors, 100,000 draws of each of 5 cells."""
    logits = [-4.0, -1.0, 0.0, 0.5, 3.0]
    draws = cells(logits).sample((100_000,))[:, 0, 0]
    truth = torch.tensor(expit(logits))
    assert ((draws.mean(0) - truth).abs() < 5 * (truth * (1 - truth) / 100_000).sqrt()).all()
    assert set(draws.unique().tolist()) == {0.0, 1.0}
