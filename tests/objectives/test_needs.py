"""Objectives refuse models that lack a fact they need."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import M2, VAE, DiscreteContinuousVAE, GaussianMixture
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import (
    CIWAE,
    ELBO,
    GECO,
    IWAE,
    PIWAE,
    RWS,
    STL,
    TVO,
    VR,
    Capacity,
    DReG,
    FreeBits,
    Info,
    MultipleIWAE,
    Objective,
    Progress,
)
from lvm_experiments.posteriors import DiagonalNormalPosterior, Posterior, PowerSphericalPosterior
from lvm_experiments.priors import HypersphericalUniformPrior, StandardNormalPrior
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


class OutsidePosterior(DiagonalNormalPosterior):
    """One that trains with draws its density is not for, as relaxed families do."""

    draws_in_support = False


def refused(objective: Objective, posterior: type[Posterior], needs: str) -> None:
    objective.check(model(DiagonalNormalPosterior))
    with pytest.raises(RequestError, match=f"^objective: {type(objective).__name__} needs {needs}"):
        objective.check(model(posterior))


@pytest.mark.parametrize("objective", [DReG(), STL(), VR(), CIWAE(), PIWAE(), MultipleIWAE(), FreeBits()])
def test_draws_without_gradients_are_refused_where_the_gradient_passes_them(objective: Objective) -> None:
    draws = "a posterior (whose draws carry gradients|with reparameterised draws)"
    refused(objective, ScorePosterior, draws)


@pytest.mark.parametrize("objective", [ELBO(), IWAE(), Capacity(), GECO(), TVO(), RWS()])
def test_draws_without_gradients_are_taken_where_the_score_function_helps(objective: Objective) -> None:
    objective.check(model(ScorePosterior))


@pytest.mark.parametrize("objective", [DReG(), STL(), TVO(), RWS()])
def test_a_density_at_any_point_is_needed_where_draws_are_scored_again(objective: Objective) -> None:
    refused(objective, OwnDrawsPosterior, "a posterior whose density is known at any point")


@pytest.mark.parametrize("objective", [ELBO(), IWAE(3), VR(), CIWAE(), PIWAE(), MultipleIWAE(), FreeBits(), GECO()])
def test_the_density_of_own_draws_is_enough_for_the_others(objective: Objective) -> None:
    own = model(OwnDrawsPosterior)
    objective.check(own)
    loss = objective(own, Batch(torch.ones(3, 4)), Progress()).loss["model"]
    loss.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in own.parameters())


@pytest.mark.parametrize("objective", [IWAE(), DReG(), STL(), VR(), CIWAE(), PIWAE(), MultipleIWAE(), TVO(), RWS()])
def test_weights_want_draws_that_are_values_of_the_density(objective: Objective) -> None:
    refused(objective, OutsidePosterior, "a posterior whose training draws are values of its own density")
    for other in (ELBO(), FreeBits(), Capacity(), GECO()):
        other.check(model(OutsidePosterior))


def test_a_posterior_that_knows_its_own_draws_only_is_evaluated() -> None:
    evidence = model(OwnDrawsPosterior).evidence(torch.ones(3, 4), 50)
    assert evidence.log_p.shape == (3,)
    assert torch.isfinite(evidence.log_p).all()


def test_a_hint_names_what_can_be_chosen() -> None:
    """A posterior over the latents of the prior; no posterior at all where the one that lacks something is fixed."""
    with pytest.raises(RequestError, match=r"choose model/posterior=\S*\bfull_normal\b\S* or another") as error:
        IWAE().check(model(OutsidePosterior))
    assert "categorical" not in str(error.value)
    spec = DataSpec("binary", (4,), levels=2, classes=3)
    parts = {
        "encoder": partial(MLPEncoder, hidden=[8]),
        "posterior": DiagonalNormalPosterior,
        "prior": StandardNormalPrior,
        "decoder": partial(MLPDecoder, hidden=[8]),
        "likelihood": BernoulliLikelihood,
    }
    for kind in (M2, partial(DiscreteContinuousVAE, categories=3, temperature=0.5)):
        fixed = kind(spec, 2, **parts)
        with pytest.raises(RequestError, match=r"; choose another objective= or model=$"):
            CIWAE().check(fixed)
    exact = GaussianMixture(DataSpec("real", (4,), std=torch.ones(4), mean=torch.zeros(4)), 2, **dict.fromkeys(parts))
    with pytest.raises(RequestError, match=r"; choose another objective= or model=$"):
        CIWAE().check(exact)


def test_a_hint_says_where_latents_have_to_be_others() -> None:
    with pytest.raises(
        RequestError, match=r"objective: Info needs latents on the real line; .* and a model/prior= that"
    ):
        Info().check(on_the_sphere())


def on_the_sphere() -> VAE:
    spec = DataSpec("binary", (4,), levels=2)
    encoder, decoder = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    parts = encoder, PowerSphericalPosterior, HypersphericalUniformPrior, decoder, BernoulliLikelihood
    return VAE(spec, 3, *parts)
