"""Models of several latent layers against quadrature."""

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
from lvm_experiments.models import HierarchicalVAE, LadderVAE, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.networks.gated_mlp import GatedDense
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.objectives.test_needs import OwnDrawsPosterior

KINDS = [HierarchicalVAE, LadderVAE]
IMAGES = torch.tensor(list(product([0.0, 1.0], repeat=3)), dtype=torch.float64)

PARTS: dict[str, Any] = {
    "latent_dim": 1,
    "layers": 2,
    "widening": 1,
    "hidden": [4],
    "activation": "tanh",
    "encoder": partial(MLPEncoder, hidden=[4]),
    "posterior": DiagonalNormalPosterior,
    "prior": StandardNormalPrior,
    "decoder": partial(MLPDecoder, hidden=[4]),
    "likelihood": BernoulliLikelihood,
}


def build(kind: type[Any], spec: DataSpec | None = None, **changes: Any) -> LatentVariableModel:
    torch.manual_seed(3)
    model = kind(spec or DataSpec("binary", (3,), levels=2), **(PARTS | changes))
    with torch.no_grad():
        for name, p in model.named_parameters():
            # Far from where it starts, so that the layers matter.
            p.add_(torch.randn(p.shape, dtype=p.dtype) * (0.1 if "posterior" in name else 0.6))
    return model


def by_quadrature(model: LatentVariableModel, x: Tensor) -> Tensor:
    """log p(x) of two layers of one dimension each, by the trapezoid rule on a plane."""
    nodes = torch.linspace(-12, 12, 601)
    one, two = torch.meshgrid(nodes, nodes, indexing="ij")
    z = {"z1": one.reshape(-1, 1, 1), "z2": two.reshape(-1, 1, 1)}
    found = [model.log_joint(row[None], z) for row in x]
    return torch.cat([torch.logsumexp(f, 0) for f in found]) + 2 * torch.log(nodes[1] - nodes[0])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_evidence_is_that_of_quadrature_and_of_the_sampler(kind: type[Any]) -> None:
    model = build(kind)
    exact = by_quadrature(model, IMAGES)
    assert exact.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    found = model.evidence(Batch(IMAGES, index=torch.arange(8)), 20_000, chunk=5000, seed=1)
    gap = (found.log_p - exact).abs()
    trusted = found.effective_samples > 1000
    assert trusted.sum() >= 4
    assert (gap < 4.5 * found.standard_error)[trusted].all()
    torch.manual_seed(0)
    drawn = model.sample(100_000)
    frequency = torch.stack([(drawn == image).all(-1).double().mean() for image in IMAGES])
    error = (exact.exp() * (1 - exact.exp()) / len(drawn)).sqrt()
    assert ((frequency - exact.exp()).abs() < 4.5 * error).all()


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
def test_both_layers_matter_and_every_parameter_learns(kind: type[Any]) -> None:
    model = build(kind, layers=3, widening=2)
    draw = model.draw(IMAGES, 6)
    (-draw.log_weight.mean()).backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []
    assert {name: z.shape[-1] for name, z in draw.z.items()} == {"z1": 4, "z2": 2, "z3": 1}
    assert torch.allclose(draw.log_weight, model.score(IMAGES, draw.z).log_weight)
    assert draw.kl.shape in ((6, 8), (8,))


@pytest.mark.parametrize("kind", KINDS)
def test_networks_between_layers_are_gated_and_begin_as_asked(kind: type[Any]) -> None:
    """300 units are 600 numbers of which half are gates, drawn with the variance of He or of torch."""
    parts = {"hidden": [300], "activation": "glu", "latent_dim": 40}
    for how, variance in (("he", 2 / 40), ("default", 1 / (3 * 40))):
        torch.manual_seed(0)
        model = kind(DataSpec("binary", (3,), levels=2), **(PARTS | parts), initialisation=how)
        gated = [m for n, m in model.named_modules() if isinstance(m, GatedDense) and not n.startswith("encoder")]
        assert {m.out_features for m in gated} == {600}
        (first,) = [m for m in gated if m.in_features == 40][:1]
        assert first.weight.var().item() == pytest.approx(variance, rel=0.05)
        assert all(bool((m.bias == 0).all()) == (how == "he") for m in gated)
    assert model.draw(IMAGES.float(), 2).log_weight.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_one_draw_at_a_time_is_many_at_once(kind: type[Any]) -> None:
    model = build(kind, layers=3).double()
    batch = Batch(IMAGES, index=torch.arange(8))
    whole, parts = (model.evidence(batch, 30, chunk=chunk, seed=0).log_p for chunk in (30, 7))
    assert torch.allclose(whole, parts, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_encode_reconstruct_sample_and_conditions(kind: type[Any]) -> None:
    model = build(kind, DataSpec("binary", (3,), levels=2, condition=2), layers=3)
    batch = Batch(IMAGES.float(), condition=torch.randn(8, 2), index=torch.arange(8))
    model.prepare(lambda n=None: batch)
    assert {name: tuple(z.shape) for name, z in model.encode(batch).items()} == dict.fromkeys(
        ("z1", "z2", "z3"), (8, 1)
    )
    assert model.reconstruct(batch).shape == (8, 3)
    assert model.sample(5).shape == (5, 3)
    assert model.sample(5, batch.condition).shape == (5, 8, 3)
    other = batch.replace(condition=-batch.condition)
    assert not torch.equal(model.reconstruct(batch), model.reconstruct(other))


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_that_knows_its_own_draws_only_cannot_stand_between_layers(kind: type[Any]) -> None:
    with pytest.raises(RequestError, match=r"^model\.posterior: OwnDraws.*; choose model/posterior=.*diagonal"):
        build(kind, posterior=OwnDrawsPosterior)
