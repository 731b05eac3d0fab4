"""Models with a category beside a continuous latent, against quadrature and sums over the category."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import M2, VAE, DiscreteContinuousVAE, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, IWAE, Progress, SemiSupervised
from lvm_experiments.posteriors import CategoricalPosterior, DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior, UniformCategoricalPrior
from lvm_experiments.spec import DataSpec

IMAGES = torch.tensor(list(product([0.0, 1.0], repeat=3)), dtype=torch.float64)
LABELLED = DataSpec("binary", (3,), levels=2, classes=4)
pytestmark = pytest.mark.usefixtures("float64")


def build(kind: type[Any], spec: DataSpec = LABELLED, **changes: Any) -> Any:
    torch.manual_seed(5)
    parts = {
        "latent_dim": 1,
        "encoder": partial(MLPEncoder, hidden=[4]),
        "posterior": DiagonalNormalPosterior,
        "prior": StandardNormalPrior,
        "decoder": partial(MLPDecoder, hidden=[4]),
        "likelihood": BernoulliLikelihood,
    }
    model = kind(spec, **(parts | changes))
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.add_(torch.randn(p.shape) * (0.1 if name.startswith("posterior") else 0.8))
    return model


MODELS = {"M2": M2, "joint": partial(DiscreteContinuousVAE, categories=4, temperature=0.5)}


def by_quadrature(model: LatentVariableModel, x: Tensor) -> Tensor:
    """log p(x) and log p(x, y), shape `(classes, N)`, by the trapezoid rule on a line."""
    nodes = torch.linspace(-12, 12, 4001)
    z = nodes[:, None, None].expand(-1, len(x), -1)
    found = []
    for category in torch.eye(4):
        y = category.expand(len(nodes), len(x), 1, 4)
        found.append(torch.logsumexp(model.log_joint(x, {"y": y, "z": z}), 0) + torch.log(nodes[1] - nodes[0]))
    return torch.stack(found)


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_the_evidence_sums_over_the_category(name: str) -> None:
    model = build(MODELS[name])
    exact = torch.logsumexp(by_quadrature(model, IMAGES), 0)
    assert exact.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    found = model.evidence(Batch(IMAGES, index=torch.arange(8)), 20_000, seed=0)
    assert ((found.log_p - exact).abs() < 4.5 * found.standard_error).all()
    drawn = model.sample(50_000)
    frequency = torch.stack([(drawn == image).all(-1).double().mean() for image in IMAGES])
    assert ((frequency - exact.exp()).abs() < 4.5 * (exact.exp() / 50_000).sqrt()).all()


@torch.no_grad()
def test_evaluation_looks_at_no_label() -> None:
    model = build(M2)
    labels = torch.arange(8) % 4
    one, other = (
        model.evidence(Batch(IMAGES, label=label, index=torch.arange(8)), 20, seed=0).log_p
        for label in (labels, torch.full((8,), -1))
    )
    assert torch.equal(one, other)


@torch.no_grad()
def test_drawn_with_a_label_the_category_is_that() -> None:
    model = build(M2)
    joint = by_quadrature(model, IMAGES)
    given = (joint - torch.logsumexp(joint, 1, keepdim=True)).exp()
    for label in range(4):
        condition, latents = model.of_label(label)
        assert condition is None
        drawn = model.sample(20_000, given=latents)
        frequency = torch.stack([(drawn == image).all(-1).double().mean() for image in IMAGES])
        assert ((frequency - given[label]).abs() < 4.5 * (given[label] / 20_000).sqrt() + 1e-9).all()
    with pytest.raises(ValueError, match="classes 0 to 3, and not 4"):
        model.of_label(4)


def test_the_bound_of_an_unlabelled_example_is_the_sum_over_labels() -> None:
    model, objective = build(M2), SemiSupervised(alpha=3.0)
    label = torch.tensor([0, -1, 2, -1, -1, 1, 3, -1])
    losses, by_label = [], []
    for _ in range(400):
        torch.manual_seed(len(losses))
        losses.append(objective(model, Batch(IMAGES, label=label), Progress()).loss["model"].item())
    q = model.classify(Batch(IMAGES))
    z = torch.randn(50_000, 8, 1)
    for category in torch.eye(4):
        y = category.expand(len(z), 8, 1, 4)
        drawn = model.draw(IMAGES, given={"y": y})
        by_label.append((drawn.log_lik + drawn.steps["y"].log_p - drawn.steps["z"].kl).mean(0).detach())
    bound = torch.stack(by_label, 1)
    unlabelled = (q * (bound - q.log())).sum(1)
    known = label.clamp_min(0)[:, None]
    labelled = (bound.gather(1, known) + 3.0 * q.log().gather(1, known))[:, 0]
    exact = -torch.where(label >= 0, labelled, unlabelled).mean().item()
    mean, error = torch.tensor(losses).mean().item(), torch.tensor(losses).std().item() / 20
    assert abs(mean - exact) < 4.5 * error + 0.01


def test_every_parameter_learns_with_and_without_labels() -> None:
    for label in (None, torch.full((8,), -1), torch.arange(8) % 4):
        model = build(M2)
        SemiSupervised()(model, Batch(IMAGES, label=label), Progress()).loss["model"].backward()
        missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
        assert missing == []


def test_what_it_is_not_for_is_refused() -> None:
    vae = build(VAE)
    with pytest.raises(RequestError, match=r"^objective: VAE has no latent label; choose objective=elbo or model=m2"):
        SemiSupervised().check(vae)
    score = build(M2, posterior=CategoricalPosterior, prior=UniformCategoricalPrior)
    with pytest.raises(RequestError, match=r"^model\.posterior: draws of z"):
        SemiSupervised().check(score)
    with pytest.raises(RequestError, match=r"^model: its labels are latent"):
        build(M2, LABELLED.replace(classes=0))
    with pytest.raises(RequestError, match=r"^objective: IWAE needs"):
        IWAE().check(build(MODELS["joint"]))
    ELBO().check(build(MODELS["joint"]))
