"""What Stirling's formula leaves, against mpmath."""

from __future__ import annotations

import mpmath
import pytest
import torch

from lvm_experiments.distributions.stirling import stirling_rest

A = [2e-9, 1e-3, 0.5, 1.0, 7.9, 8.0, 8.1, 30.0, 1e3, 1e6, 4.8e8]


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 1e-12), (torch.float32, 2e-6)])
@pytest.mark.parametrize("a", A)
def test_it_is_mpmath_s(a: float, dtype: torch.dtype, digits: float) -> None:
    given = torch.tensor(a, dtype=dtype)
    with mpmath.workdps(60):
        exact = mpmath.mpf(given.item())
        formula = (exact - mpmath.mpf(0.5)) * mpmath.log(exact) - exact + mpmath.log(2 * mpmath.pi) / 2
        truth = float(mpmath.loggamma(exact) - formula)
    assert abs(stirling_rest(given).item() - truth) <= digits * (1 + abs(truth))


def test_the_series_goes_on_where_the_function_ends() -> None:
    near = torch.tensor([8.0, 8.0 + 1e-9], dtype=torch.float64, requires_grad=True)
    values = stirling_rest(near)
    (slopes,) = torch.autograd.grad(values.sum(), near)
    assert abs(values[1] - values[0]) < 1e-11
    assert abs(slopes[1] - slopes[0]) < 1e-9


def test_its_slope_is_finite_in_float32_at_the_ends_of_what_models_hold() -> None:
    a = torch.tensor([-20.0, 0.0, 20.0]).exp().requires_grad_()
    (slopes,) = torch.autograd.grad(stirling_rest(a).sum(), a)
    assert torch.isfinite(slopes).all()
