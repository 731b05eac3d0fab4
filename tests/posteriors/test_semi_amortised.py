"""Refinement: reaches the exact posterior, is the same however it is computed, has gradients of both orders."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.models import VAE
from lvm_experiments.noise import keyed_noise
from lvm_experiments.objectives import ELBO, Progress
from lvm_experiments.posteriors import SemiAmortisedPosterior
from lvm_experiments.priors import VampPrior
from lvm_experiments.spec import DataSpec
from tests.support.linear_gaussian import LinearGaussian
from tests.support.parts import TwoLayers
from tests.support.priors import examples, model_with
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")


def refining(model: VAE, **options: object) -> VAE:
    """The model, its diagonal normal posterior refined from where it is."""
    start = model.posterior
    width = start.parameters_of.in_features
    model.posterior = SemiAmortisedPosterior(width, start.event_shape[0], **options)
    model.posterior.parameters_of = start.parameters_of
    model.posterior.bind(model)
    return model


def refined(model: VAE, x: Tensor) -> DiagonalNormal:
    batch = Batch.wrap(x)
    q = model.q_z_embedded(model.spec.embed(x), batch)
    return model.posterior.refine(q, batch)


def bound(model: VAE, q: DiagonalNormal, x: Tensor) -> Tensor:
    """With the first step's signs for noise, shape (B,)."""
    z = q.loc + q.stddev * model.posterior.signs[0]
    log_joint = model.p_x(z).log_prob(x) + model.prior().log_prob(z)
    return log_joint.mean(0) + q.entropy()


@pytest.mark.parametrize("variance", [0.01, 1.0])
def test_many_steps_reach_the_exact_posterior(variance: float) -> None:
    """From one whose mean is off by 5 and whose deviation is a third of the exact one's."""
    truth = LinearGaussian.make(variance)
    model = refining(truth.model(shift=5.0, stretch=1 / 3), steps=60, step_size=0.5)
    x = truth.simulate(7)
    with torch.no_grad():
        q = refined(model, x)
    M, covariance = truth.posterior()
    np.testing.assert_allclose(q.loc, (x.numpy() - truth.b) @ M.T, atol=1e-6)
    np.testing.assert_allclose(q.stddev, np.broadcast_to(np.sqrt(np.diag(covariance)), (7, 2)), atol=1e-6)
    assert torch.allclose(bound(model, q, x), truth.log_p(x), atol=1e-6)


def test_every_step_climbs() -> None:
    model = Tiny.make().model
    found = []
    for steps in (1, 2, 4, 8):
        refining(model, steps=steps)  # in one dimension every pair of signs is the same
        found.append(bound(model, refined(model, IMAGES), IMAGES))
    found.insert(0, bound(model, model.q_z_embedded(model.spec.embed(IMAGES), Batch(IMAGES)), IMAGES))
    gains = torch.stack(found).diff(dim=0)
    assert (gains > -1e-9).all()
    assert gains[0].min() > 1e-3


@pytest.mark.parametrize("second_order", [False, True])
def test_it_is_the_same_without_gradients_in_inference_alone_and_under_keyed_noise(*, second_order: bool) -> None:
    model = refining(Tiny.make().model, second_order=second_order)
    q = refined(model, IMAGES)
    assert q.loc.requires_grad
    with torch.no_grad():
        without = refined(model, IMAGES)
    assert not without.loc.requires_grad
    with torch.inference_mode():
        inference = refined(model, IMAGES.clone())
    alone = refined(model, IMAGES[2:3])
    with keyed_noise(torch.arange(8), seed=0):
        keyed = refined(model, IMAGES)
    for other in (without, inference, keyed):
        assert torch.allclose(other.loc, q.loc, rtol=0, atol=1e-12)
        assert torch.allclose(other.log_scale, q.log_scale, rtol=0, atol=1e-12)
    assert torch.allclose(alone.loc, q.loc[2:3], rtol=0, atol=1e-12)
    assert all(p.grad is None for p in model.parameters())


def loss_at(model: VAE, q: DiagonalNormal) -> Tensor:
    """Any function of the refined parameters."""
    weight = torch.linspace(-1, 2, q.loc.numel()).view_as(q.loc)
    return (weight * q.loc + weight**2 * q.log_scale).sum()


@pytest.mark.parametrize("second_order", [False, True])
def test_a_prior_that_asks_the_encoder_is_made_once_for_all_steps(*, second_order: bool) -> None:
    """Its components are as they are while the steps are taken; the refined posterior is that of one made anew."""
    posterior = partial(SemiAmortisedPosterior, steps=5, second_order=second_order)
    model, seen = model_with(partial(VampPrior, number=7), posterior=posterior), []
    batch = examples(model.spec, 3)
    start = model.q_z_embedded(model.spec.embed(batch.x), batch)
    moved = start.loc.detach(), start.log_scale.detach()
    for signs in model.posterior.signs:
        moved = model.posterior._step(*moved, signs, batch, model.prior(), through=False)
    model.encoder.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    q = model.q_z(batch)
    assert seen == [3, 7]
    assert torch.allclose(q.loc, moved[0], rtol=1e-12)
    (q.loc + q.log_scale).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.encoder.parameters())


def test_second_order_gradients_are_those_of_finite_differences() -> None:
    model = refining(Tiny.make().model, second_order=True)
    weights = [model.posterior.parameters_of.bias, model.decoder.layers[0].weight]
    found = torch.autograd.grad(loss_at(model, refined(model, IMAGES)), weights)
    for weight, gradient in zip(weights, found, strict=True):
        for cell in range(2):
            flat = weight.data.view(-1)
            values = []
            for step in (1e-5, -2e-5):
                flat[cell] += step
                values.append(loss_at(model, refined(model, IMAGES)).item())
            flat[cell] += 1e-5
            difference = (values[0] - values[1]) / 2e-5
            assert gradient.view(-1)[cell].item() == pytest.approx(difference, rel=1e-5, abs=1e-8)


def test_first_order_gradients_take_the_steps_for_constants() -> None:
    model = refining(Tiny.make().model)
    parameters = [*model.encoder.parameters(), *model.posterior.parameters()]
    found = torch.autograd.grad(loss_at(model, refined(model, IMAGES)), parameters)
    start = model.q_z_embedded(model.spec.embed(IMAGES), Batch(IMAGES))
    for mine, plain in zip(found, torch.autograd.grad(loss_at(model, start), parameters), strict=True):
        assert torch.allclose(mine, plain)
    decoder = list(model.decoder.parameters())
    through = torch.autograd.grad(loss_at(model, refined(model, IMAGES)), decoder, allow_unused=True)
    assert all(g is None for g in through)


@pytest.mark.parametrize("second_order", [False, True])
def test_a_frozen_log_q_has_gradients_to_z_alone_and_training_has_them_everywhere(*, second_order: bool) -> None:
    model = refining(Tiny.make().model, second_order=second_order)
    model.q_z = lambda batch: refined(model, batch.x)
    z = {"z": model.draw(IMAGES, 3).z["z"].detach().requires_grad_()}
    frozen = model.log_posterior(IMAGES, z, frozen=True)
    assert torch.allclose(frozen, model.log_posterior(IMAGES, z))
    assert (torch.autograd.grad(frozen.sum(), z["z"], retain_graph=True)[0] != 0).all()
    parameters = list(model.parameters())
    assert all(g is None for g in torch.autograd.grad(frozen.sum(), parameters, allow_unused=True))
    loss = ELBO(num_samples=2)(model, Batch(IMAGES), Progress()).loss["model"]
    assert all(torch.isfinite(g).all() and (g != 0).any() for g in torch.autograd.grad(loss, parameters))


def test_missing_cells_and_steps_are_left_out() -> None:
    model = refining(Tiny.make().model)
    mask = torch.tensor([True, True, False]).expand(8, 3)
    q = model.q_z_embedded(torch.zeros(8, 3), Batch(torch.zeros(8, 3)))
    filled = [model.posterior.refine(q, Batch(torch.where(mask, IMAGES, v), mask=mask)).loc for v in (0.0, 1.0)]
    assert torch.equal(*filled)
    assert not torch.allclose(filled[0], model.posterior.refine(q, Batch(IMAGES)).loc)


def test_evidence_under_the_refined_posterior_is_the_quadrature_s() -> None:
    tiny = Tiny.make()
    model = refining(tiny.model)
    q = refined(model, IMAGES)
    with torch.no_grad():
        z = q.sample((20_000,))
        log_weight = model.p_x(z).log_prob(IMAGES) + model.prior().log_prob(z) - q.log_prob(z)
    ratio = torch.exp(log_weight - tiny.log_p)
    assert ((ratio.mean(0) - 1).abs() < 4 * ratio.std(0) / 20_000**0.5).all()


def test_all_that_refinement_depends_on_is_saved_and_the_model_is_not() -> None:
    posterior = SemiAmortisedPosterior(4, 2, pairs=3)
    posterior.bind(Tiny.make().model)
    assert sorted(posterior.state_dict()) == ["parameters_of.bias", "parameters_of.weight", "signs"]
    assert posterior.signs.shape == (8, 6, 1, 2)
    assert (posterior.signs.abs() == 1).all()
    assert (posterior.signs.sum(1) == 0).all()


def test_a_model_of_several_latents_is_refused() -> None:
    with pytest.raises(RequestError, match="one latent variable"):
        SemiAmortisedPosterior(4, 2).bind(TwoLayers(DataSpec("binary", (3,), levels=2)))
