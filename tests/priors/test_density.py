"""Trap 11: every prior's density and sampler agree, and models with it are distributions of x."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import VAE
from lvm_experiments.noise import keyed_noise
from lvm_experiments.priors import ConditionalNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.priors import SPEC, UNCONDITIONAL, grid, model_with
from tests.support.tiny import IMAGES

each = pytest.mark.parametrize("name", UNCONDITIONAL)
# The trapezoid rule is as good as p is smooth: splines and rectified networks have corners, Laplace has one at 0.
TOLERANCE = {"laplace": 1e-3, "maf": 1e-3, "nsf": 1e-3}


@each
@torch.no_grad()
def test_it_integrates_to_one_and_draws_are_its_own(name: str, float64: None) -> None:
    """In 2-D, 501 x 501 nodes. 40,000 draws have its entropy, means and second moments within 4 standard errors."""
    p, off = model_with(UNCONDITIONAL[name]).prior(), TOLERANCE.get(name, 1e-9)
    z, area = grid(-15, 15, 501)
    log_p = p.log_prob(z)
    weight = log_p.exp() * area
    assert weight.sum().item() == pytest.approx(1, abs=off)
    torch.manual_seed(0)
    drawn = p.sample((200, 200))
    found = p.log_prob(drawn).flatten()
    assert (found.mean() - (weight * log_p).sum()).abs() < 4 * found.std() / 200 + off
    for power in (1, 2):
        gap = (drawn**power).flatten(0, 1).mean(0) - (weight[:, None] * z**power).sum(0)
        assert (gap.abs() < 4 * (drawn**power).flatten(0, 1).std(0) / 200 + 10 * off).all()


def quadrature(model: VAE, condition: Tensor | None = None) -> Tensor:
    """log p(x) of the 8 images of a model with one latent dimension, by 20,001 nodes on [-15, 15]."""
    z = torch.linspace(-15, 15, 20_001)[:, None, None]
    log_prior = model.prior(condition).log_prob(z)
    log_lik = torch.cat([model.p_x(z, condition).log_prob(x[None]) for x in IMAGES], 1)
    return torch.trapezoid((log_prior + log_lik).exp(), z[:, 0, 0], dim=0).log()


@each
@torch.no_grad()
def test_tiny(name: str, float64: None) -> None:
    """With one latent dimension: the 8 images have probability 1, and are estimated right, K = 5000."""
    model = model_with(UNCONDITIONAL[name], latent_dim=1)
    # As wide as the priors are, for weights of finite variance, and alike for all pseudo-inputs.
    model.posterior.parameters_of.weight[1], model.posterior.parameters_of.bias[1] = 0.0, 0.5
    truth = quadrature(model)
    assert truth.exp().sum().item() == pytest.approx(1, abs=max(1e-9, TOLERANCE.get(name, 0) / 100))
    evidence = model.evidence(Batch(IMAGES, index=torch.arange(8)), 5000, chunk=2500, seed=0)
    assert evidence.standard_error.max() < 0.1
    assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error + 1e-5).all()


@torch.no_grad()
def test_tiny_given_a_condition(float64: None) -> None:
    """Each condition has its own 8 probabilities, whose sum is 1."""
    model = model_with(partial(ConditionalNormalPrior, hidden=[4]), 1, spec=SPEC.replace(condition=2))
    model.posterior.parameters_of.weight[1], model.posterior.parameters_of.bias[1] = 0.0, 0.5
    found = []
    for condition in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])):
        truth = quadrature(model, condition)
        assert truth.exp().sum().item() == pytest.approx(1, abs=1e-9)
        batch = Batch(IMAGES, condition=condition.expand(8, -1), index=torch.arange(8))
        evidence = model.evidence(batch, 5000, seed=0)
        assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error).all()
        found.append(truth)
    assert (found[0] - found[1]).abs().max() > 0.05


@each
@torch.no_grad()
def test_draws_can_be_keyed(name: str) -> None:
    """A part of the draws for a part of the examples is a part of all of them."""
    p, index = model_with(UNCONDITIONAL[name]).prior(), torch.arange(6)
    with keyed_noise(index, seed=0):
        whole = p.sample((5, 6))
    with keyed_noise(index[2:], seed=0, first=3):
        part = p.sample((2, 4))
    assert torch.allclose(whole[3:, 2:], part, atol=1e-5)
    assert len(whole.flatten().unique()) == whole.numel()


@each
@torch.no_grad()
def test_float32_is_finite_and_near_float64(name: str, request: pytest.FixtureRequest) -> None:
    """200,000 draws and their densities; splines are inverted by a root of a difference."""
    p = model_with(UNCONDITIONAL[name]).prior()
    z = p.sample((200_000,))
    log_p = p.log_prob(z)
    assert z.dtype == log_p.dtype == torch.float32
    assert torch.isfinite(z).all()
    assert torch.isfinite(log_p).all()
    state = model_with(UNCONDITIONAL[name]).state_dict()
    request.getfixturevalue("float64")
    exact = model_with(UNCONDITIONAL[name])
    exact.load_state_dict(state)
    assert (exact.prior().log_prob(z[:2000].double()) - log_p[:2000]).abs().max() < 1e-3


def test_a_condition_that_is_not_there(float64: None) -> None:
    with pytest.raises(ValueError, match="needs one, and there is none"):
        ConditionalNormalPrior((2,), SPEC, hidden=[4])
    prior = ConditionalNormalPrior((2,), DataSpec("binary", (3,), condition=4), hidden=[])
    with pytest.raises(ValueError, match="has to be given c"):
        prior()
    p = prior(torch.eye(4))
    assert torch.allclose(torch.cat([p.loc, p.log_scale], -1) - prior.output.bias, prior.output.weight.T)
