"""One uniform number for a draw: what comes out is the quantile."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from lvm_experiments.distributions.inversion import gamma_from, levels_from, poisson_from

U = torch.cat([torch.rand(400).double(), torch.tensor([1e-9, 0.5, 1 - 2.0**-53], dtype=torch.float64)])


def test_poisson_quantiles_are_scipy_s() -> None:
    for rate in (1e-30, 1e-3, 0.3, 1.0, 7.5, 100.0, 9e4):
        mine = poisson_from(U, torch.tensor(rate, dtype=torch.float64)).numpy()
        truth = stats.poisson.ppf(U.numpy(), rate)
        # At the very edge of a step the two may differ by the last digit of the distribution function.
        edge = np.abs(stats.poisson.cdf(np.minimum(mine, truth), rate) - U.numpy()) < 1e-12
        assert np.all((mine == truth) | edge), rate


def test_large_rates_have_the_moments_of_a_poisson_and_huge_ones_are_finite() -> None:
    u = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    for rate in (0.9e9, 1.1e9):  # on both sides of where the expansion is left as it is
        x = poisson_from(u, torch.tensor(rate, dtype=torch.float64))
        assert torch.equal(x, x.round())
        assert abs(x.mean().item() - rate) < 1e-4 * rate**0.5
        assert abs(x.var().item() / rate - 1) < 2e-3
    assert torch.isfinite(poisson_from(torch.tensor([0.0, 0.3, 0.9999999]), torch.tensor(2e17))).all()


def test_a_zero_of_few_bits_is_not_the_end_of_a_tail() -> None:
    """`torch.rand` returns 0 once in 2^24 draws, where none of a rate of 1,000 are expected."""
    assert poisson_from(torch.zeros(1), torch.tensor(1000.0)).item() == stats.poisson.ppf(2.0**-25, 1000)


def test_gamma_quantiles_are_scipy_s() -> None:
    for shape in (2e-9, 0.05, 1.0, 30.0, 4.8e8):
        mine = gamma_from(U, torch.tensor(shape, dtype=torch.float64)).numpy()
        np.testing.assert_allclose(mine, stats.gamma.ppf(U.numpy(), shape), rtol=1e-5)


def test_levels_are_the_quantiles_of_their_masses() -> None:
    p = torch.tensor([0.2, 0.0, 0.5, 0.3], dtype=torch.float64)
    u = torch.tensor([0.0, 0.19, 0.21, 0.69, 0.71, 0.999999])
    assert levels_from(u, lambda level: p.log()[level.long()], 4).tolist() == [0, 0, 2, 2, 3, 3]
