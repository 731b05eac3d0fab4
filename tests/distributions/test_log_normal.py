from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from lvm_experiments.distributions import LogNormalObservation


@pytest.mark.usefixtures("float64")
def test_density_and_moments_are_scipy_s() -> None:
    loc, log_scale = torch.tensor([[[-3.0, 0.0, 2.0]]]), torch.tensor([-1.0, 0.0, 0.5])
    p = LogNormalObservation(loc, log_scale)
    law = stats.lognorm(log_scale.exp().numpy(), scale=loc[0, 0].exp().numpy())
    for x in (1e-8, 0.3, 1.0, 50.0):
        np.testing.assert_allclose(p.cell_log_prob(torch.full((1, 3), x))[0, 0], law.logpdf(x), rtol=1e-10)
    np.testing.assert_allclose(p.mean[0, 0], law.mean(), rtol=1e-10)
    np.testing.assert_allclose(p.variance[0, 0], law.var(), rtol=1e-10)


def test_draws_are_positive_and_finite_however_large_the_scale() -> None:
    draws = LogNormalObservation(torch.zeros(1, 1, 1), torch.tensor(6.0)).sample((1000,))
    assert (draws > 0).all()
    assert torch.isfinite(draws).all()
