"""Trap 7: masses that sum to 1 for every mean and scale, against scipy and mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
from scipy.stats import logistic

from lvm_experiments.distributions import DiscretizedLogistic

LOCS = [-1e4, -10.0, -1.5, -1.0, -255 / 256, -0.3, 0.0, 0.123, 255 / 256, 1.0, 1.5, 10.0, 1e4]
LOG_SCALES = [-7.0, -5.0, -3.0, -1.0, 0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 80.0, 100.0, 200.0]


def double(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def masses(loc: torch.Tensor, log_scale: torch.Tensor, levels: int) -> torch.Tensor:
    """log p of every level, shape (levels, n), for n pairs of mean and scale."""
    p = DiscretizedLogistic(loc[None, None], log_scale[None, None], levels)
    values = torch.arange(levels, dtype=loc.dtype)
    return torch.stack([p.cell_log_prob(v.expand(1, len(loc)))[0, 0] for v in values])


def pairs(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.cartesian_prod(torch.tensor(LOCS), torch.tensor(LOG_SCALES)).to(dtype)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("levels", [2, 3, 17, 256])
def test_masses_sum_to_one_for_every_mean_and_scale(levels: int) -> None:
    total = masses(*pairs(torch.float64), levels).exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=1e-11)


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_masses_sum_to_one_in_float32(levels: int) -> None:
    """Neighbours share an edge to the bit, so that what rounding moves from one goes to the other."""
    total = masses(*pairs(torch.float32), levels).double().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_for_every_mean_and_scale(dtype: torch.dtype) -> None:
    """With scales up to e^80 in float32, where a bin's share of the scale underflows."""
    loc, log_scale = (t.requires_grad_() for t in pairs(dtype))
    log_p = masses(loc, log_scale, 256)
    assert log_p.isfinite().all()
    for gradient in torch.autograd.grad(log_p.sum(), (loc, log_scale)):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("levels", [4, 256])
def test_log_masses_are_scipy_s(levels: int) -> None:
    """Where a difference of distribution functions keeps its digits."""
    edges = 2 * np.arange(1, levels) / levels - 1
    for loc in (-0.9, 0.0, 0.3):
        for log_scale in (-3.0, -1.0, 0.5):
            law = logistic(loc, np.exp(log_scale))
            cdf = np.concatenate([[0], law.cdf(edges), [1]])
            upper = np.concatenate([[1], law.sf(edges), [0]])
            mass = np.where(edges.mean() < loc, np.diff(cdf), -np.diff(upper))
            pair = double(loc), double(log_scale)
            mine = masses(*pair, levels)[:, 0].exp().numpy()
            np.testing.assert_allclose(mine, mass, rtol=1e-6, atol=1e-16)


@pytest.mark.parametrize("level", [0, 1, 100, 200, 254, 255])
@pytest.mark.parametrize(("loc", "log_scale"), [(-30.0, -2.0), (0.2, -7.0), (0.0, 20.0), (5.0, -6.0)])
def test_log_masses_keep_their_digits_in_the_tails(level: int, loc: float, log_scale: float) -> None:
    with mpmath.workdps(3000):
        scale = mpmath.exp(log_scale)

        def below(edge: int) -> mpmath.mpf:
            if edge in (0, 256):
                return mpmath.mpf(edge == 256)
            return 1 / (1 + mpmath.exp((mpmath.mpf(loc) - (mpmath.mpf(2 * edge) / 256 - 1)) / scale))

        truth = float(mpmath.log(below(level + 1) - below(level)))
    pair = double(loc), double(log_scale)
    assert masses(*pair, 256)[level, 0].item() == pytest.approx(truth, rel=1e-9)


def test_interior_levels_have_the_mass_of_the_density_and_the_ends_have_the_tails() -> None:
    """Trap 8: a discretised logistic and a dequantised one agree inside, and differ at the ends."""
    law, levels = logistic(0.4, 0.3), 16
    pair = double(0.4), double(np.log(0.3))
    mine = masses(*pair, levels)[:, 0].exp().numpy()
    nodes, weights = np.polynomial.legendre.leggauss(50)
    centres = (2 * np.arange(levels) + 1) / levels - 1
    inside = (law.pdf(centres[:, None] + nodes / levels) * weights).sum(1) / levels
    np.testing.assert_allclose(mine[1:-1], inside[1:-1], rtol=1e-10)
    assert mine[0] > 1.5 * inside[0]
    assert mine[-1] > 1.5 * inside[-1]
    assert np.log2(mine[-1] / inside[-1]) > 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("levels", [2, 17, 256])
def test_mean_and_variance_are_those_of_the_masses(levels: int, dtype: torch.dtype) -> None:
    loc, log_scale = pairs(torch.float64)
    p = masses(loc, log_scale, levels).exp()
    values = torch.arange(levels).double()[:, None]
    mean = (p * values).sum(0)
    variance = (p * (values - mean) ** 2).sum(0)
    mine = DiscretizedLogistic(loc.to(dtype)[None, None], log_scale.to(dtype)[None, None], levels)
    digits = 1e-10 if dtype == torch.float64 else 1e-4
    assert torch.allclose(mine.mean[0, 0].double(), mean, rtol=digits, atol=digits * levels)
    assert torch.allclose(mine.variance[0, 0].double(), variance, rtol=10 * digits, atol=digits * levels)
    assert (mine.variance >= 0).all()


def test_draws_have_the_masses() -> None:
    """Chi-square of 50,000 draws over 17 levels, p > 1e-4."""
    from scipy.stats import chisquare

    loc, log_scale = double(-1.2, 0.1, 0.9), double(-0.5, -1.5, 0.2)
    p = masses(loc, log_scale, 17).exp().numpy()
    draws = DiscretizedLogistic(loc[None, None], log_scale[None, None], 17).sample((50_000,))[:, 0, 0]
    assert torch.equal(draws, draws.round())
    for cell in range(3):
        counts = np.bincount(draws[:, cell].long().numpy(), minlength=17)
        expected = p[:, cell] * 50_000
        often = expected > 5
        observed = np.append(counts[often], counts[~often].sum())
        wanted = np.append(expected[often], expected[~often].sum())
        some = wanted > 0
        assert chisquare(observed[some], wanted[some]).pvalue > 1e-4
