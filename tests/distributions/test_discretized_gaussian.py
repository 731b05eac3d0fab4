"""Masses of a normal density over bins: they sum to 1 for every mean and deviation, and are mpmath's."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.distributions import DiscretizedGaussian, DiscretizedLogistic
from lvm_experiments.distributions.discretized import Discretized

LOCS = [-1e4, -10.0, -1.5, -1.0, -255 / 256, -0.3, 0.0, 0.123, 255 / 256, 1.0, 1.5, 10.0, 1e4]
LOG_SCALES = [-7.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 80.0]


def masses(loc: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """log p of every level, shape (levels, n), for n pairs of mean and deviation."""
    p = DiscretizedGaussian(loc.expand(1, levels, -1), log_scale.expand(1, levels, -1), levels)
    return p.cell_log_prob(torch.arange(levels, dtype=loc.dtype)[:, None].expand(-1, len(loc)))[0]


def pairs(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    both = torch.cartesian_prod(torch.tensor(LOCS), torch.tensor(LOG_SCALES)).to(dtype)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-6), (torch.float64, 1e-11)])
@pytest.mark.parametrize("levels", [2, 3, 17, 256])
def test_masses_sum_to_one_for_every_mean_and_deviation(levels: int, dtype: torch.dtype, digits: float) -> None:
    total = masses(*pairs(dtype), levels).double().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=digits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_for_every_mean_and_deviation(dtype: torch.dtype) -> None:
    loc, log_scale = (t.requires_grad_() for t in pairs(dtype))
    log_p = masses(loc, log_scale, 256)
    assert log_p.isfinite().all()
    for gradient in torch.autograd.grad(log_p.sum(), (loc, log_scale)):
        assert gradient.isfinite().all()


def truth(level: int, loc: float, log_scale: float, levels: int) -> float:
    """With 100 digits, from the side on which the two distribution functions are small."""
    with mpmath.workdps(100):
        below, above = (
            (mpmath.mpf(2 * e) / levels - 1 - mpmath.mpf(loc)) / mpmath.exp(log_scale) for e in (level, level + 1)
        )
        ends = [-mpmath.inf if level == 0 else below, mpmath.inf if level == levels - 1 else above]
        near, far = sorted(ends, key=abs)
        side = mpmath.sign(far) / mpmath.sqrt(2)
        return float(mpmath.log((mpmath.erfc(side * near) - mpmath.erfc(side * far)) / 2))


@pytest.mark.parametrize("level", [0, 1, 100, 128, 200, 254, 255])
@pytest.mark.parametrize(
    ("loc", "log_scale"), [(-30.0, -2.0), (0.2, -6.0), (0.0, 20.0), (2.0, -4.0), (0.0, -3.0), (0.1, -3.3), (-1.0, 0.0)]
)
def test_log_masses_keep_their_digits(level: int, loc: float, log_scale: float) -> None:
    exact = truth(level, loc, log_scale, 256)
    pair = torch.tensor([loc], dtype=torch.float64), torch.tensor([log_scale], dtype=torch.float64)
    assert masses(*pair, 256)[level, 0].item() == pytest.approx(exact, rel=1e-9, abs=1e-11)


def test_gradients_are_those_of_finite_differences_on_both_sides_of_the_switch() -> None:
    """At h = 0.1 a series takes over; in the tail log Phi's slope is needed, which torch's own loses."""
    log_scale = torch.tensor([-3.5, -3.24, -3.245, -3.25, -3.0, -5.0, 0.0], dtype=torch.float64)
    loc = torch.tensor([0.0, 0.3, 0.3, 0.3, -0.9, 20.0, 30.0], dtype=torch.float64)
    inputs = (loc.requires_grad_(), log_scale.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: masses(a, b, 256)[::51], inputs, eps=1e-7, atol=1e-4, rtol=1e-5)


def test_far_gradients_are_right_in_float32() -> None:
    """d log p / d loc is about (x - loc) / s^2 far away."""
    loc = torch.full((1,), 50.0, requires_grad=True)
    (slope,) = torch.autograd.grad(masses(loc, torch.full((1,), -3.0), 256)[100, 0], loc)
    edge = 2 * 101 / 256 - 1
    assert slope.item() == pytest.approx((edge - 50) * np.exp(6.0), rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_mean_and_variance_are_those_of_the_masses(levels: int, dtype: torch.dtype) -> None:
    loc, log_scale = pairs(torch.float64)
    p = masses(loc, log_scale, levels).exp()
    values = torch.arange(levels, dtype=torch.float64)[:, None]
    mean = (p * values).sum(0)
    variance = (p * (values - mean) ** 2).sum(0)
    mine = DiscretizedGaussian(loc.to(dtype)[None, None], log_scale.to(dtype)[None, None], levels)
    digits = 1e-9 if dtype == torch.float64 else 1e-4
    assert torch.allclose(mine.mean[0, 0].double(), mean, rtol=digits, atol=digits * levels)
    assert torch.allclose(mine.variance[0, 0].double(), variance, rtol=10 * digits, atol=digits * levels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_have_the_masses(dtype: torch.dtype) -> None:
    """Chi-square of 50,000 draws over 17 levels, p > 1e-4."""
    from scipy.stats import chisquare

    loc, log_scale = (torch.tensor(v, dtype=dtype) for v in ([-1.2, 0.1, 0.9], [-0.5, -1.5, 0.2]))
    p = masses(loc, log_scale, 17).double().exp().numpy()
    draws = DiscretizedGaussian(loc[None, None], log_scale[None, None], 17).sample((50_000,))[:, 0, 0]
    for cell in range(3):
        counts = np.bincount(draws[:, cell].long().numpy(), minlength=17)
        expected = p[:, cell] / p[:, cell].sum() * 50_000
        often = expected > 5
        observed, wanted = (np.append(c[often], c[~often].sum()) for c in (counts, expected))
        some = wanted > 0
        assert chisquare(observed[some], wanted[some]).pvalue > 1e-4


@pytest.mark.parametrize("kind", [DiscretizedGaussian, DiscretizedLogistic])
def test_a_scale_that_overflows_has_quantiles_all_the_same(kind: type[Discretized]) -> None:
    """Next to all mass lies in the outer bins then, and the middle belongs to the location's level."""
    u = torch.tensor([[[0.0, 0.25, 0.5, 0.75, 1 - 2**-24]]])
    p = kind(torch.full_like(u, 0.1), torch.full_like(u, 1e4), 256)
    assert p.quantile(u).tolist() == [[[0.0, 0.0, 140.0, 255.0, 255.0]]]
