from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import FixedGaussianLikelihood
from lvm_experiments.models import VAE, ProbabilisticPCA
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import Factor, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.objectives.models import small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")


def bound(model: VAE, **options: float) -> Factor:
    objective = Factor(hidden=[7], **options)  # type: ignore[arg-type]
    objective.bind(model)
    return objective


def test_the_losses_are_those_of_a_calculation_by_hand() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = bound(model, num_samples=3, gamma=5.0)
    torch.manual_seed(7)
    found = objective(model, Batch(IMAGES), Progress())
    torch.manual_seed(7)
    draw = model.draw(IMAGES, 3)
    z = draw.z["z"]
    permuted = objective.permuted(z)
    odds, others = objective.discriminator(z), objective.discriminator(permuted)
    loss = (draw.kl - draw.log_lik + 5 * odds).mean()
    assert found.loss["model"].item() == pytest.approx(loss.item(), rel=1e-12)
    chance, other = torch.sigmoid(odds), torch.sigmoid(others)
    entropy = -0.5 * (chance.log() + (1 - other).log()).mean()
    assert found.loss["discriminator"].item() == pytest.approx(entropy.item(), rel=1e-12)
    assert torch.allclose(found.terms["total_correlation"], odds.mean(0))
    assert torch.allclose(found.terms["discriminator"], 0.5 * (softplus(-odds) + softplus(others)).mean(0))


def test_a_loss_reaches_its_own_group_and_no_other() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    objective = bound(model)
    groups = objective.groups(model)
    losses = objective(model, Batch(IMAGES), Progress()).loss
    for name, loss in losses.items():
        for other, parameters in groups.items():
            found = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
            assert all((g is not None and bool((g != 0).any())) == (other == name) for g in found)


def test_a_permutation_keeps_every_dimension_s_values_and_loses_their_company() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    z = torch.randn(2, 4000, 3)
    z[..., 1] = z[..., 0]
    permuted = bound(model).permuted(z)
    assert torch.equal(permuted.sort(1).values, z.sort(1).values)
    assert abs(torch.corrcoef(permuted[0].T)[0, 1]) < 4 / 4000**0.5
    assert abs((permuted[0] - permuted[1]).abs().sum(-1).eq(0).double().mean()) < 0.01
    alone = z[:, :1]
    assert torch.equal(bound(model).permuted(alone), alone)


def correlated(width: float) -> VAE:
    """q(z|x) = N(x, width^2 I) of two dimensions."""
    parts = partial(MLPEncoder, hidden=[]), DiagonalNormalPosterior, StandardNormalPrior, partial(MLPDecoder, hidden=[])
    model = VAE(DataSpec("real", (2,)), 2, *parts, partial(FixedGaussianLikelihood, variance=1.0))
    with torch.no_grad():
        model.posterior.parameters_of.weight.copy_(torch.cat([torch.eye(2), torch.zeros(2, 2)]))
        model.posterior.parameters_of.bias.copy_(torch.tensor([0.0, 0.0, np.log(width), np.log(width)]))
    return model


def test_the_discriminator_finds_the_total_correlation() -> None:
    """Of normal latents with correlation 0.8 and a little noise: - log(1 - r^2) / 2."""
    model = correlated(0.1)
    objective = Factor(hidden=[24, 24])
    objective.bind(model)
    tril = torch.linalg.cholesky(torch.tensor([[1.0, 0.8], [0.8, 1.0]]))

    def batch(n: int) -> Batch:
        return Batch(torch.randn(n, 2) @ tril.T)

    optimizer = torch.optim.Adam(objective.groups(model)["discriminator"], 1e-2)
    for step in range(300):
        if step == 200:
            optimizer.param_groups[0]["lr"] = 5e-4
        optimizer.zero_grad()
        objective(model, batch(256), Progress()).loss["discriminator"].backward(
            inputs=objective.groups(model)["discriminator"]
        )
        optimizer.step()
    with torch.no_grad():
        found = objective(model, batch(20_000), Progress()).terms["total_correlation"]
    truth = -0.5 * np.log(1 - (0.8 / 1.01) ** 2)
    assert found.mean().item() == pytest.approx(truth, abs=0.06)
    assert truth > 0.4


def test_an_exact_model_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^objective: Factor shapes an inference"):
        Factor(hidden=[4]).bind(ProbabilisticPCA(DataSpec("real", (5,)), 2))


def test_one_example_alone_has_finite_losses() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    found: dict[str, Tensor] = bound(model)(model, Batch(IMAGES[:1]), Progress()).loss
    assert all(torch.isfinite(loss) for loss in found.values())
