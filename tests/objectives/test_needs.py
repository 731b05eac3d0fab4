"""Objectives refuse models that lack a fact they need."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, IWAE, Objective
from lvm_experiments.posteriors import DiagonalNormalPosterior, Posterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec


class OwnDrawsOnly(DiagonalNormal):
    """A normal that, like a planar flow, knows the density of its own draws only."""

    def rsample_and_log_prob(self, shape: torch.Size) -> tuple[Tensor, Tensor]:
        z = self.rsample(shape)
        return z, super().log_prob(z)

    def log_prob(self, value: Tensor) -> Tensor:
        raise NotImplementedError("only of its own draws")


class ScorePosterior(DiagonalNormalPosterior):
    gradient = "score"


class OwnDrawsPosterior(Posterior):
    domain = "real"
    gradient = "reparameterised"
    has_density_at = False
    factorised = False

    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.linear = nn.Linear(features, 2 * latent_dim)

    def forward(self, features: Tensor) -> OwnDrawsOnly:
        return OwnDrawsOnly(*self.linear(features).chunk(2, -1))


def model(posterior: type[Posterior]) -> VAE:
    spec = DataSpec("binary", (4,), levels=2)
    encoder, decoder = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    return VAE(spec, 2, encoder, posterior, StandardNormalPrior, decoder, BernoulliLikelihood)


@pytest.mark.parametrize("objective", [ELBO(), IWAE()])
def test_draws_without_gradients_are_refused(objective: Objective) -> None:
    objective.check(model(DiagonalNormalPosterior))
    with pytest.raises(RequestError, match="needs a posterior whose draws carry gradients"):
        objective.check(model(ScorePosterior))


def test_a_density_at_any_point_is_needed_by_the_importance_weighted_bound() -> None:
    ELBO().check(model(OwnDrawsPosterior))
    with pytest.raises(RequestError, match="needs a posterior whose density is known at any point"):
        IWAE().check(model(OwnDrawsPosterior))


def test_a_posterior_that_knows_its_own_draws_only_is_evaluated() -> None:
    evidence = model(OwnDrawsPosterior).evidence(torch.ones(3, 4), 50)
    assert evidence.log_p.shape == (3,)
    assert torch.isfinite(evidence.log_p).all()
