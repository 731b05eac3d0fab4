"""Ratios of gamma functions, against mpmath."""

from __future__ import annotations

import mpmath
import pytest
import torch

from lvm_experiments.distributions.log_rising import log_rising

A = [2e-9, 1e-3, 0.5, 1.0, 7.9, 8.0, 8.1, 30.0, 1e3, 1e6, 4.8e8]
N = [0.0, 1.0, 2.0, 17.0, 255.0, 1e4]


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_it_is_mpmath_s_to_the_last_digits(dtype: torch.dtype, digits: float) -> None:
    """Relative to the result plus, where a is small, the two terms themselves, which do not cancel there."""
    for a in A:
        for n in N:
            exact_a = torch.tensor(a, dtype=dtype)
            mine = log_rising(exact_a, torch.tensor(n, dtype=dtype)).item()
            with mpmath.workdps(60):
                start = mpmath.mpf(exact_a.item())
                ends = mpmath.loggamma(start + n), mpmath.loggamma(start)
                truth = float(ends[0] - ends[1])
            size = abs(truth) + (max(map(abs, map(float, ends))) if a <= 8 else 0)
            # n log(a + n) and what it cancels with are of the size of the result.
            assert abs(mine - truth) <= 4 * digits * (1 + size), (a, n)


def test_the_series_goes_on_where_the_functions_end() -> None:
    near = torch.tensor([8.0, 8.0 + 1e-9], dtype=torch.float64, requires_grad=True)
    values = log_rising(near, torch.tensor(5.0, dtype=torch.float64))
    (slopes,) = torch.autograd.grad(values.sum(), near)
    assert abs(values[1] - values[0] - 1e-9 * slopes[0]) < 1e-13
    assert abs(slopes[1] - slopes[0]) < 1e-9


def test_nothing_rises_by_nothing() -> None:
    a = torch.tensor([2e-9, 1.0, 8.0, 100.0, 4e8])
    assert torch.equal(log_rising(a, torch.zeros(())), torch.zeros(5))
