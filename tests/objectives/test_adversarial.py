from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.objectives import Adversarial, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior, StraightThroughCategoricalPosterior
from lvm_experiments.priors import DiagonalNormalPrior, StandardNormalPrior, UniformCategoricalPrior
from tests.objectives.models import discrete, small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")


def test_the_losses_are_those_of_a_calculation_by_hand() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = Adversarial(hidden=[7], num_samples=3, weight=2.0)
    objective.bind(model)
    torch.manual_seed(7)
    found = objective(model, Batch(IMAGES), Progress())
    torch.manual_seed(7)
    draw = model.draw(IMAGES, 3)
    odds, real = objective.discriminator(draw.z["z"]), objective.discriminator(torch.randn(3, 8, 2))
    ones, zeros = torch.ones_like(odds), torch.zeros_like(odds)
    loss = -draw.log_lik.mean() + 2 * binary_cross_entropy_with_logits(odds, ones)
    assert found.loss["model"].item() == pytest.approx(loss.item(), rel=1e-12)
    told = (binary_cross_entropy_with_logits(real, ones) + binary_cross_entropy_with_logits(odds, zeros)) / 2
    assert found.loss["discriminator"].item() == pytest.approx(told.item(), rel=1e-12)
    assert all(term.shape == (8,) for term in found.terms.values())


@pytest.mark.parametrize("categories", [False, True])
def test_a_loss_reaches_its_own_group_and_no_other(*, categories: bool) -> None:
    """Latents with two axes are told apart as well."""
    kinds = (StraightThroughCategoricalPosterior, UniformCategoricalPrior)
    model = small_vae(*kinds if categories else (DiagonalNormalPosterior, StandardNormalPrior))
    objective = Adversarial(hidden=[7])
    objective.bind(model)
    groups = objective.groups(model)
    for name, loss in objective(model, Batch(IMAGES), Progress()).loss.items():
        for other, parameters in groups.items():
            found = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
            assert all((g is not None and bool((g != 0).any())) == (other == name) for g in found)


def test_the_game_draws_the_latents_to_the_prior() -> None:
    """Posteriors around (2, -2), once the discriminator knows them: downhill is towards 0 in both dimensions."""
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    bias = model.posterior.parameters_of.bias
    with torch.no_grad():
        bias[:2] = torch.tensor([2.0, -2.0])
    objective = Adversarial(hidden=[16], weight=1e3)
    objective.bind(model)
    parameters = objective.groups(model)["discriminator"]
    optimizer = torch.optim.Adam(parameters, 1e-2)
    batch = Batch(IMAGES.repeat(8, 1))
    for _ in range(60):
        losses = objective(model, batch, Progress()).loss
        optimizer.zero_grad()
        losses["discriminator"].backward(inputs=parameters)
        optimizer.step()
    losses = objective(model, batch, Progress()).loss
    assert losses["discriminator"] < 0.5 * math.log(2)  # of a discriminator that knows nothing
    (gradient,) = torch.autograd.grad(losses["model"], bias)
    assert gradient[0] > 100
    assert gradient[1] < -100


def test_a_learned_prior_and_draws_without_gradients_are_refused() -> None:
    with pytest.raises(RequestError, match="DiagonalNormalPrior would learn nothing"):
        Adversarial(hidden=[4]).bind(small_vae(DiagonalNormalPosterior, DiagonalNormalPrior))
    with pytest.raises(RequestError, match="needs a posterior whose draws carry gradients"):
        Adversarial(hidden=[4]).bind(discrete())


def test_that_no_bound_is_trained_is_said() -> None:
    assert len(Adversarial(hidden=[4]).warnings(Progress())) == 1
