"""Bessel functions against mpmath, where the plain ones are no numbers any more."""

from __future__ import annotations

import mpmath
import pytest
import torch
from scipy.special import iv
from torch import Tensor

from lvm_experiments.distributions.log_bessel import log_mean_exp_on_sphere, mean_resultant_length

DIMENSIONS = [2, 3, 4, 10, 71, 128, 512]
CONCENTRATIONS = [1e-3, 0.1, 1.0, 5.0, 34.999, 35.001, 60.0, 1e3, 1e4]
pytestmark = pytest.mark.usefixtures("float64")


def exact(dimensions: int) -> tuple[Tensor, Tensor, Tensor]:
    """g, its derivative A, and A's, by 40 digits."""
    found = []
    with mpmath.workdps(40):
        for k in map(mpmath.mpf, CONCENTRATIONS):
            order = mpmath.mpf(dimensions) / 2 - 1
            ratio = mpmath.besseli(order + 1, k) / mpmath.besseli(order, k)
            slope = 1 - ratio**2 - (dimensions - 1) / k * ratio
            found.append([float(v) for v in (mpmath.log(mpmath.hyp0f1(order + 1, k**2 / 4)), ratio, slope)])
    g, a, slope = torch.tensor(found).T
    return g, a, slope


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_values_and_derivatives_are_those_of_forty_digits(dimensions: int) -> None:
    g, a, slope = exact(dimensions)
    k = torch.tensor(CONCENTRATIONS, requires_grad=True)
    found = log_mean_exp_on_sphere(k, dimensions)
    assert torch.allclose(found, g, rtol=1e-12, atol=1e-13)
    assert torch.allclose(torch.autograd.grad(found.sum(), k)[0], a, rtol=1e-11)
    length = mean_resultant_length(k, dimensions)
    assert torch.allclose(length, a, rtol=1e-11)
    assert torch.allclose(torch.autograd.grad(length.sum(), k)[0], slope, rtol=1e-7)


def test_the_plain_function_would_not_do() -> None:
    """I is 0 in 512 dimensions at 1, and no number at 1000."""
    assert iv(255, 1.0) == 0
    assert iv(0, 1000.0) == float("inf")


@pytest.mark.parametrize("dimensions", DIMENSIONS)
def test_nothing_is_concentrated_at_zero(dimensions: int) -> None:
    k = torch.zeros((), requires_grad=True)
    g = log_mean_exp_on_sphere(k, dimensions)
    assert g == 0
    assert torch.autograd.grad(g, k)[0] == 0
    assert mean_resultant_length(k, dimensions) == 0
