from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from lvm_experiments.distributions import LowRankNormal


def parts(length: int = 6, rank: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(4, length), torch.randn(4, length), torch.randn(4, length, rank)


@pytest.mark.parametrize("rank", [1, 2, 8])
@pytest.mark.usefixtures("float64")
def test_it_is_scipy_s(rank: int) -> None:
    loc, log_scale, factor = parts(rank=rank)
    q = LowRankNormal(loc, log_scale, factor)
    z = torch.randn(3, 4, 6)
    for b in range(4):
        covariance = factor[b].numpy() @ factor[b].numpy().T + np.diag(np.exp(2 * log_scale[b].numpy()))
        truth = multivariate_normal(loc[b].numpy(), covariance)
        np.testing.assert_allclose(q.log_prob(z)[:, b], truth.logpdf(z[:, b].numpy()), rtol=1e-9)
        assert q.entropy()[b].item() == pytest.approx(truth.entropy(), rel=1e-9)
        np.testing.assert_allclose(q.variance[b], np.diag(covariance), rtol=1e-12)


@pytest.mark.usefixtures("float64")
def test_draws_have_the_covariance() -> None:
    """Within 5 standard errors of 100,000 draws."""
    n = 100_000
    q = LowRankNormal(*(part[0] for part in parts(length=3, rank=1)))
    covariance = q.factor @ q.factor.mT + torch.diag(torch.exp(2 * q.log_scale))
    gap = q.sample((n,)) - q.mean
    products = gap[:, :, None] * gap[:, None, :]
    assert ((products.mean(0) - covariance).abs() < 5 * products.std(0) / n**0.5).all()


@pytest.mark.usefixtures("float64")
def test_a_common_factor_much_larger_than_sigma_loses_no_digits_in_32_bits() -> None:
    """Torch's is off by 39 nats here."""
    q = LowRankNormal(torch.zeros(50), torch.full((50,), -6.0), torch.randn(50, 2))
    single = LowRankNormal(*(part.float() for part in (q.loc, q.log_scale, q.factor)))
    z = single.sample((200,))
    same = LowRankNormal(single.loc.double(), single.log_scale.double(), single.factor.double())
    assert (single.log_prob(z) - same.log_prob(z.double())).abs().max() < 0.01


@pytest.mark.parametrize("length", [1, 2, 20])
@pytest.mark.usefixtures("float64")
def test_columns_near_one_line_lose_no_digits_in_32_bits(length: int) -> None:
    """3,000 times sigma: by products in 32 bits the decomposition fails or log q is off by hundreds of nats."""
    line = 300 * torch.randn(50, length, 1)
    factor = (line + 0.3 * torch.randn(50, length, 2)).float()
    single = LowRankNormal(torch.zeros(50, length).float(), torch.full((50, length), -2.3).float(), factor)
    same = LowRankNormal(single.loc.double(), single.log_scale.double(), factor.double())
    z = single.sample((20,))
    assert z.dtype == single.log_prob(z).dtype == single.entropy().dtype == torch.float32
    error = (single.log_prob(z) - same.log_prob(z.double())).abs()
    assert error.max() < 0.1
    assert error.median() < 1e-3
    assert torch.allclose(single.entropy().double(), same.entropy(), rtol=1e-5)


@pytest.mark.usefixtures("float64")
def test_expand_keeps_the_density() -> None:
    q = LowRankNormal(*(part[0] for part in parts()))
    wide = q.expand(torch.Size([2, 7]))
    z = torch.randn(2, 7, 6)
    assert wide.batch_shape == (2, 7)
    assert torch.allclose(wide.log_prob(z), q.log_prob(z))
    assert wide.sample((3,)).shape == (3, 2, 7, 6)
