"""Maps of latents against quadrature, and what the model has no use for."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood, DiscretizedLogisticLikelihood
from lvm_experiments.models import ResidualLadderVAE
from lvm_experiments.networks import MLPEncoder
from lvm_experiments.plots.structure import structure_of
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import MAFPrior, StandardNormalPrior, VampPrior
from lvm_experiments.spec import DataSpec

BINARY = DataSpec("binary", (1, 8, 8), levels=2)
# Four halvings of 8x8 leave one cell: two latent variables of one dimension each.
ONE_CELL = [0, 0, 0, 1, 1]


def build(spec: DataSpec = BINARY, **changes: Any) -> ResidualLadderVAE:
    torch.manual_seed(3)
    given: dict[str, Any] = {
        "latent_dim": 1,
        "channels": 3,
        "layers": [0, 1, 2],
        "blocks": 1,
        "activation": "tanh",
        "encoder": None,
        "posterior": None,
        "prior": StandardNormalPrior,
        "decoder": None,
        "likelihood": BernoulliLikelihood,
    }
    model = ResidualLadderVAE(spec, **(given | changes))
    with torch.no_grad():
        for name, p in model.named_parameters():
            # Away from where it starts, so that the layers matter.
            p.add_(torch.randn(p.shape, dtype=p.dtype) * (0.3 if name.startswith(("raw", "joined")) else 0.1))
    return model


def by_quadrature(model: ResidualLadderVAE, x: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """log p(x), and the mean of x, of two latent variables of one dimension, by the trapezoid rule on a plane."""
    line = torch.linspace(-8, 8, number)
    one, two = torch.meshgrid(line, line, indexing="ij")
    draw = model.score(x[:1], {"z1": one.reshape(-1, 1, 1), "z2": two.reshape(-1, 1, 1)})
    log_prior = draw.log_prior[:, 0] + 2 * torch.log(line[1] - line[0])
    assert log_prior.exp().sum().item() == pytest.approx(1.0, abs=1e-6)
    log_p = torch.stack([torch.logsumexp(draw.x.log_prob(row[None])[:, 0] + log_prior, 0) for row in x])
    return log_p, (log_prior.exp()[:, None] * draw.x.mean[:, 0].flatten(1)).sum(0)


@pytest.mark.usefixtures("float64")
@torch.no_grad()
def test_the_evidence_is_that_of_quadrature_and_of_the_sampler() -> None:
    model = build(layers=ONE_CELL)
    assert model.shapes == [(1, 1, 1), (1, 1, 1)]
    x = torch.cat([model.sample(3), torch.ones(1, 1, 8, 8)])
    exact, mean = by_quadrature(model, x, 101)
    assert torch.allclose(by_quadrature(model, x, 81)[0], exact, atol=1e-6)
    found = model.evidence(Batch(x, index=torch.arange(4)), 8_000, chunk=4000, seed=1)
    trusted = found.effective_samples > 500
    assert trusted.sum() >= 3
    assert ((found.log_p - exact).abs() < 4.5 * found.standard_error)[trusted].all()
    # Drawing from the prior: how often each pixel is on, against the same rule.
    torch.manual_seed(0)
    drawn = model.sample(10_000).flatten(1)
    error = (mean * (1 - mean) / len(drawn)).sqrt()
    assert ((drawn.mean(0) - mean).abs() < 5 * error).all()
    assert mean.std() > 0.02


@pytest.mark.usefixtures("float64")
def test_every_layer_matters_and_every_parameter_learns() -> None:
    model = build(DataSpec("bytes", (3, 9, 13), levels=256), likelihood=DiscretizedLogisticLikelihood, latent_dim=2)
    x = torch.randint(0, 256, (4, 3, 9, 13)).double()
    draw = model.draw(x, 6)
    (-draw.log_weight.mean()).backward()
    missing = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []
    assert {name: tuple(z.shape) for name, z in draw.z.items()} == {
        "z3": (6, 4, 2 * 3 * 4),
        "z2": (6, 4, 2 * 3 * 4),
        "z1": (6, 4, 2 * 5 * 7),
    }
    assert torch.allclose(draw.log_weight, model.score(x, draw.z).log_weight)
    assert torch.allclose(draw.log_q - model.log_posterior(x, draw.z, frozen=True), torch.zeros(6, 4).double())
    assert draw.kl.shape in ((6, 4), (4,))
    for name, z in draw.z.items():
        other = model.score(x, draw.z | {name: z + 1})
        assert not torch.allclose(other.log_lik, draw.log_lik), name


def test_one_draw_at_a_time_is_many_at_once() -> None:
    model = build().double()
    batch = Batch(torch.rand(4, 1, 8, 8).round().double(), index=torch.arange(4))
    whole, parts = (model.evidence(batch, 30, chunk=chunk, seed=0).log_p for chunk in (30, 7))
    assert torch.allclose(whole, parts, atol=1e-10)


@pytest.mark.parametrize("prior", [partial(VampPrior, number=4), partial(MAFPrior, hidden=[4], transforms=1)])
def test_encode_reconstruct_sample_conditions_and_priors_of_the_top(prior: Any) -> None:
    model = build(BINARY.replace(condition=2), prior=prior)
    batch = Batch(torch.rand(8, 1, 8, 8).round(), condition=torch.randn(8, 2), index=torch.arange(8))
    model.prepare(lambda n=None: batch if n is None else Batch(batch.x[:n], condition=batch.condition[:n]))
    assert {name: tuple(z.shape) for name, z in model.encode(batch).items()} == {
        "z3": (8, 4),
        "z2": (8, 4),
        "z1": (8, 16),
    }
    assert model.reconstruct(batch).shape == (8, 1, 8, 8)
    assert model.sample(5).shape == (5, 1, 8, 8)
    assert model.sample(5, batch.condition).shape == (5, 8, 1, 8, 8)
    assert model.draw(batch, 3).log_weight.isfinite().all()
    assert not torch.equal(model.reconstruct(batch), model.reconstruct(batch.replace(condition=-batch.condition)))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"encoder": partial(MLPEncoder, hidden=[4])}, "model.encoder: .*its own networks"),
        ({"posterior": DiagonalNormalPosterior}, "model.posterior: .*its own networks"),
        ({"layers": [1, 0]}, "model.layers: the last resolution"),
        ({"layers": []}, "model.layers: the last resolution"),
        ({"spec": DataSpec("binary", (64,), levels=2)}, "model: .*takes images.*model=ladder_vae"),
        ({"prior": None}, "model.prior: this model needs one"),
    ],
)
def test_what_it_has_no_use_for_is_refused_in_one_sentence(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(RequestError, match=f"^{where}"):
        build(**changes)


def test_its_distributions_are_called_what_they_are() -> None:
    latents = structure_of(build(), Batch(torch.ones(3, 1, 8, 8))).latents
    assert {one.q for one in latents} == {"Diagonal Normal Map"}
    assert [one.p for one in latents] == ["Standard Normal Prior", "Diagonal Normal Map", "Diagonal Normal Map"]


def test_a_deep_one_of_many_dimensions_begins_near_what_a_shallow_one_does() -> None:
    """12 latent maps of 32 channels: 43,008 dimensions that say little yet, and 256 pixels."""
    torch.manual_seed(0)
    parts = {"activation": "elu", "encoder": None, "posterior": None, "decoder": None}
    spec = DataSpec("binary", (1, 16, 16), levels=2)
    model = ResidualLadderVAE(
        spec, 32, 16, [4, 4, 4], 2, **parts, prior=StandardNormalPrior, likelihood=BernoulliLikelihood
    )
    x = torch.randint(2, (4, 1, 16, 16)).float()
    assert sum(torch.Size(shape).numel() for shape in model.shapes) == 43_008
    assert -model.draw(x, 1).log_weight.mean() < 2 * 256 * math.log(2)
