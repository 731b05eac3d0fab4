"""KL of normals with correlations: torch's general formula, Monte Carlo, zero where both are the same."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Distribution, MultivariateNormal, kl_divergence

from lvm_experiments.distributions import DiagonalNormal, LowRankNormal, StandardNormal

pytestmark = pytest.mark.usefixtures("float64")


def posteriors() -> dict[str, Distribution]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        loc, log_scale = torch.randn(4, 3), 0.5 * torch.randn(4, 3)
        tril = 0.5 * torch.randn(4, 3, 3).tril(-1) + torch.diag_embed(log_scale.exp())
        return {
            "full": MultivariateNormal(loc, scale_tril=tril),
            "low rank": LowRankNormal(loc, log_scale, torch.randn(4, 3, 1)),
        }


PRIORS = {
    "standard": lambda: StandardNormal(torch.zeros(3)),
    "diagonal": lambda: DiagonalNormal(torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.5, -0.4, 0.1])),
    "diagonal of each example": lambda: DiagonalNormal(torch.linspace(-1, 1, 12).view(4, 3), torch.zeros(4, 3)),
}


@pytest.mark.parametrize("prior", sorted(PRIORS))
@pytest.mark.parametrize("posterior", ["full", "low rank"])
def test_the_closed_form_is_torch_s_and_that_of_draws(posterior: str, prior: str) -> None:
    q, p = posteriors()[posterior], PRIORS[prior]()
    kl = kl_divergence(q, p)
    assert kl.shape == (4,)
    covariance = q.covariance_matrix if posterior == "full" else _covariance(q)
    dense = MultivariateNormal(q.mean, covariance_matrix=covariance)
    other = MultivariateNormal(p.mean, covariance_matrix=torch.diag_embed(p.variance))
    assert torch.allclose(kl, kl_divergence(dense, other), rtol=1e-10)
    z = q.sample((100_000,))
    difference = q.log_prob(z) - p.log_prob(z)
    assert ((difference.mean(0) - kl).abs() < 4 * difference.std(0) / 100_000**0.5).all()


def test_it_is_zero_for_the_same_distribution() -> None:
    log_scale = torch.tensor([0.5, -0.4, 0.1])
    p = DiagonalNormal(torch.ones(3), log_scale)
    full = MultivariateNormal(torch.ones(3), scale_tril=torch.diag(log_scale.exp()))
    low = LowRankNormal(torch.ones(3), log_scale, torch.zeros(3, 2))
    for q in (full, low):
        assert abs(kl_divergence(q, p).item()) < 1e-12


def _covariance(q: Distribution) -> torch.Tensor:
    return q.factor @ q.factor.mT + torch.diag_embed(torch.exp(2 * q.log_scale))
