"""Full and low-rank normal posteriors: where they start, what the model takes for their KL, one dimension."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.distributions import MultivariateNormal

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.posteriors import FullNormalPosterior, LowRankNormalPosterior, Posterior
from tests.support.tiny import IMAGES, Tiny

KINDS = [FullNormalPosterior, LowRankNormalPosterior]
pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_near_the_diagonal_normal(kind: Callable[..., Posterior]) -> None:
    posterior, h = kind(6, 4), torch.randn(50, 6)
    loc, log_scale = posterior.parameters_of(h).chunk(2, -1)
    q, diagonal = posterior(h), DiagonalNormal(loc, log_scale)
    assert torch.equal(q.mean, diagonal.mean)
    assert torch.allclose(q.variance, diagonal.variance, rtol=0.1, atol=0.02)
    z = diagonal.sample((200,))
    assert abs((q.log_prob(z) - diagonal.log_prob(z)).mean()) < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_takes_the_exact_kl(kind: Callable[..., Posterior]) -> None:
    model = Tiny.make().model
    model.posterior = kind(4, 1)
    draw = model.draw(IMAGES, 20_000)
    assert draw.kl.shape == (8,)
    difference = (draw.log_q - draw.log_prior).detach()
    assert ((difference.mean(0) - draw.kl).abs() < 4 * difference.std(0) / 20_000**0.5).all()


def test_a_full_normal_s_factor_is_triangular_with_a_positive_diagonal_and_any_covariance() -> None:
    posterior = FullNormalPosterior(5, 3)
    with torch.no_grad():
        posterior.correlations_of.weight.normal_()
    h = torch.randn(2, 7, 5)
    q = posterior(h)
    assert isinstance(q, MultivariateNormal)
    assert (q.scale_tril.triu(1) == 0).all()
    assert (torch.diagonal(q.scale_tril, dim1=-2, dim2=-1) > 0).all()
    below = q.scale_tril[..., [1, 2, 2], [0, 0, 1]]
    assert torch.equal(below, posterior.correlations_of(h))
