"""The standard Laplace distribution and its divergences, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest, laplace, norm
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from lvm_experiments.distributions import DiagonalNormal, LowRankNormal, StandardLaplace

pytestmark = pytest.mark.usefixtures("float64")


def test_density_and_draws_are_scipy_s() -> None:
    p, z = StandardLaplace(torch.zeros(3)), 5 * torch.randn(20, 4, 3)
    assert np.allclose(p.log_prob(z).numpy(), laplace.logpdf(z.numpy()).sum(-1))
    assert torch.allclose(p.log_prob_per_dimension(z).sum(-1), p.log_prob(z))
    torch.manual_seed(0)
    assert kstest(p.sample((20_000,)).flatten().numpy(), laplace.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (0.0, 1e-4), (1.3, 0.5), (-7.0, 0.1), (0.2, 8.0)])
def test_divergence_is_the_quadrature_s(loc: float, scale: float) -> None:
    q = norm(loc, scale)
    low, high = loc - 12 * scale, loc + 12 * scale
    found, _ = quad(lambda z: q.pdf(z) * (q.logpdf(z) - laplace.logpdf(z)), low, high, points=[0.0, loc], limit=400)
    normal = DiagonalNormal(torch.tensor([loc]), torch.tensor([scale]).log())
    assert kl_divergence(normal, StandardLaplace(torch.zeros(1))).item() == pytest.approx(found, rel=1e-8, abs=1e-10)


def test_correlated_normals_diverge_as_uncorrelated_ones_where_there_is_no_correlation() -> None:
    loc, log_scale = torch.randn(5, 3), torch.randn(5, 3)
    p = StandardLaplace(torch.zeros(3))
    truth = kl_divergence(Independent(Normal(loc, log_scale.exp()), 1), Independent(p.base_dist, 1))
    full = MultivariateNormal(loc, scale_tril=torch.diag_embed(log_scale.exp()))
    low = LowRankNormal(loc, log_scale, torch.zeros(5, 3, 1))
    for q in (DiagonalNormal(loc, log_scale), full, low):
        assert torch.allclose(kl_divergence(q, p), truth)


def test_divergence_of_a_correlated_normal_is_the_mean_of_the_log_ratio() -> None:
    """400,000 draws, 4 standard errors."""
    tril = torch.tensor([[1.0, 0.0], [0.9, 0.3]])
    q, p = MultivariateNormal(torch.tensor([0.5, -1.0]), scale_tril=tril), StandardLaplace(torch.zeros(2))
    torch.manual_seed(0)
    z = q.sample((400_000,))
    ratio = q.log_prob(z) - p.log_prob(z)
    assert (ratio.mean() - kl_divergence(q, p)).abs() < 4 * ratio.std() / 400_000**0.5
