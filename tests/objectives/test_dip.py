from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import VAE
from lvm_experiments.objectives import DIP, Progress
from lvm_experiments.posteriors import (
    DiagonalNormalPosterior,
    FullNormalPosterior,
    LowRankNormalPosterior,
    PlanarPosterior,
)
from lvm_experiments.priors import StandardNormalPrior
from tests.objectives.models import small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
POSTERIORS = [DiagonalNormalPosterior, FullNormalPosterior, LowRankNormalPosterior]


def model_of(posterior: type) -> VAE:
    model = small_vae(posterior, StandardNormalPrior, latent_dim=3)
    with torch.no_grad():
        for p in model.posterior.parameters():
            p.copy_(0.5 * torch.randn_like(p))
    return model


def penalty(covariance: np.ndarray, off_diagonal: float, diagonal: float) -> float:
    """Entry by entry."""
    total = 0.0
    for i in range(len(covariance)):
        for j in range(len(covariance)):
            total += diagonal * (covariance[i, i] - 1) ** 2 if i == j else off_diagonal * covariance[i, j] ** 2
    return total


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize("K", [1, 3])
def test_the_loss_with_the_covariance_of_means(posterior: type, K: int) -> None:
    model = model_of(posterior)
    torch.manual_seed(7)
    found = DIP(K, off_diagonal=2.0, diagonal=3.0)(model, Batch(IMAGES), Progress())
    torch.manual_seed(7)
    draw = model.draw(IMAGES, K)
    truth = penalty(np.cov(draw.steps["z"].q.mean.detach().numpy().T), 2.0, 3.0)
    rest = (draw.kl - draw.log_lik).mean().item()
    assert found.terms["dip"][0].item() == pytest.approx(truth, rel=1e-10)
    assert found.loss["model"].item() == pytest.approx(rest + truth, rel=1e-10)
    assert found.terms["dip"].shape == (8,)
    assert truth > 0.1


def test_the_covariance_of_draws_adds_the_expected_one_of_posteriors() -> None:
    model = model_of(DiagonalNormalPosterior)
    torch.manual_seed(7)
    found = DIP(off_diagonal=2.0, diagonal=3.0, covariance="draws")(model, Batch(IMAGES), Progress())
    q = model.q_z(Batch(IMAGES))
    mean, scale = q.mean.detach().numpy(), q.stddev.detach().numpy()
    truth = penalty(np.cov(mean.T) + np.diag((scale**2).mean(0)), 2.0, 3.0)
    assert found.terms["dip"][0].item() == pytest.approx(truth, rel=1e-10)


@pytest.mark.parametrize("posterior", POSTERIORS[1:])
def test_covariances_off_the_diagonal_are_estimated_from_draws(posterior: type) -> None:
    """Against that of the posteriors in closed form, within 4 standard errors."""
    model = model_of(posterior)
    q = model.q_z(Batch(IMAGES))
    if posterior is FullNormalPosterior:
        factor = q.scale_tril
    else:
        factor = torch.cat([q.log_scale.exp().diag_embed(), q.factor], -1)
    truth = torch.cov(q.mean.T) + (factor @ factor.mT).mean(0)
    found = torch.stack([DIP(covariance="draws").covariance_of(q, q.sample(torch.Size([5]))) for _ in range(2000)])
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - truth).abs() < 4 * error).all()
    assert (error < 0.05 * truth.diagonal().max()).all()
    assert (truth - torch.diag(truth.diagonal())).abs().max() > 10 * error.max()


def test_the_covariance_of_draws_is_that_of_the_latents() -> None:
    """Of many examples: the law of total variance."""
    model = model_of(DiagonalNormalPosterior)
    x = IMAGES[torch.randint(8, (50_000,))]
    draw = model.draw(x)
    truth = torch.cov(draw.z["z"][0].T)
    found = DIP(covariance="draws").covariance_of(draw.steps["z"].q, draw.z["z"])
    assert torch.allclose(found, truth, atol=0.05 * truth.diagonal().max().item())


def test_one_example_has_no_covariance_and_does_not_end_the_run() -> None:
    for covariance in ("means", "draws"):
        loss = DIP(covariance=covariance)(model_of(DiagonalNormalPosterior), Batch(IMAGES[:1]), Progress())  # type: ignore[arg-type]
        assert torch.isfinite(loss.loss["model"])


def test_a_posterior_without_a_mean_is_refused() -> None:
    with pytest.raises(
        RequestError, match=r"^objective: DIP needs a posterior whose mean .*=\S*\bdiagonal_normal\b\S*\bfull_normal\b"
    ):
        DIP().check(model_of(PlanarPosterior))
    DIP().check(model_of(FullNormalPosterior))
