"""Models with categorical latents against enumeration."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, IWAE, Progress
from lvm_experiments.posteriors import (
    CategoricalPosterior,
    Posterior,
    RelaxedCategoricalPosterior,
    StraightThroughCategoricalPosterior,
)
from lvm_experiments.priors import CategoricalPrior, StandardNormalPrior
from lvm_experiments.spec import DataSpec

KINDS = [CategoricalPosterior, RelaxedCategoricalPosterior, StraightThroughCategoricalPosterior]
IMAGES = torch.tensor(list(product([0.0, 1.0], repeat=3)), dtype=torch.float64)
pytestmark = pytest.mark.usefixtures("float64")


def build(kind: type[Posterior]) -> VAE:
    torch.manual_seed(2)
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    spec = DataSpec("binary", (3,), levels=2)
    model = VAE(spec, 2, networks[0], partial(kind, classes=3), CategoricalPrior, networks[1], BernoulliLikelihood)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape))
    return model


def every_state() -> Tensor:
    """The 9 values of two categories of three, shape `(9, 1, 2, 3)`."""
    eye = torch.eye(3)
    return torch.stack([torch.stack([eye[a], eye[b]]) for a, b in product(range(3), repeat=2)])[:, None]


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_evidence_is_that_of_enumeration(kind: type[Posterior]) -> None:
    model = build(kind)
    joint = model.log_joint(IMAGES, {"z": every_state().expand(-1, 8, -1, -1)})
    exact = torch.logsumexp(joint, 0)
    assert exact.exp().sum().item() == pytest.approx(1.0, abs=1e-12)
    found = model.evidence(Batch(IMAGES, index=torch.arange(8)), 20_000, seed=0)
    assert ((found.log_p - exact).abs() < 4.5 * found.standard_error + 1e-9).all()
    draw = model.draw(IMAGES, 50, differentiable=False)
    assert set(draw.z["z"].unique().tolist()) == {0.0, 1.0}
    # The KL is exact, in the sum over all states.
    q = model.q_z(Batch(IMAGES))
    log_q = q.log_prob(every_state())
    by_hand = (log_q.exp() * (log_q - model.prior().log_prob(every_state()))).sum(0)
    assert torch.allclose(draw.kl, by_hand)


def test_a_relaxed_draw_is_no_category_and_has_no_weight() -> None:
    model = build(RelaxedCategoricalPosterior)
    z = model.draw(IMAGES, 5).z["z"]
    assert torch.allclose(z.sum(-1), torch.ones(()))
    assert ((z > 0) & (z < 1)).any()
    ELBO().check(model)
    with pytest.raises(RequestError, match=r"^objective: IWAE needs .*; choose model/posterior=.*straight_through"):
        IWAE().check(model)


def test_a_straight_through_draw_is_a_category_whose_gradient_is_the_relaxed_one_s() -> None:
    hard, soft = build(StraightThroughCategoricalPosterior), build(RelaxedCategoricalPosterior)
    gradients = []
    for model in (hard, soft):
        torch.manual_seed(0)
        z = model.draw(IMAGES, 5).z["z"]
        (z * torch.arange(3.0)).sum().backward()
        gradients.append(model.posterior.linear.weight.grad)
        if model is hard:
            assert set(z.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(*gradients)


@pytest.mark.parametrize("kind", [RelaxedCategoricalPosterior, StraightThroughCategoricalPosterior])
def test_every_parameter_learns(kind: type[Posterior]) -> None:
    model = build(kind)
    ELBO()(model, Batch(IMAGES), Progress()).loss["model"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_normals_are_no_categories() -> None:
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    with pytest.raises(RequestError, match=r"^model\.prior: .*choose model/prior=.*uniform_categorical"):
        VAE(
            DataSpec("binary", (3,), levels=2),
            2,
            networks[0],
            CategoricalPosterior,
            StandardNormalPrior,
            networks[1],
            BernoulliLikelihood,
        )


def test_reconstructions_decode_a_category() -> None:
    model = build(RelaxedCategoricalPosterior)
    seen: list[Tensor] = []
    handle = model.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model.reconstruct(Batch(IMAGES, index=torch.arange(8)))
    handle.remove()
    assert set(seen[-1].unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(model.encode(IMAGES)["z"], model.q_z(Batch(IMAGES)).probs)
