"""Weights at the start against the variances of the papers, and biases at the data's mean."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from lvm_experiments.likelihoods import BernoulliLikelihood, GaussianLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import Decoder, GatedMLPDecoder, GatedMLPEncoder, MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

SPEC = DataSpec("binary", (300,), levels=2)


@pytest.mark.parametrize(("kind", "size"), [(MLPEncoder, 200), (GatedMLPEncoder, 100)])
@pytest.mark.parametrize("how", ["glorot", "he", "default"])
def test_weights_have_the_variance_of_their_paper(kind: type[Any], size: int, how: str) -> None:
    torch.manual_seed(0)
    variance = {"glorot": 2 / (300 + size), "he": 2 / 300, "default": 1 / 900}[how]
    weight, bias = kind(SPEC, hidden=[size], initialisation=how).parameters()
    assert weight.shape == (200, 300)  # a gated layer is two of its size
    assert weight.var().item() == pytest.approx(variance, rel=0.03)
    assert bool((bias == 0).all()) == (how != "default")
    # A uniform distribution has an edge at sqrt(3) deviations, a normal one none.
    edge = weight.abs().max().item() / variance**0.5
    assert edge == pytest.approx(3**0.5, rel=0.01) if how != "he" else edge > 3


def make(decoder: Any, likelihood: Any, spec: DataSpec) -> VAE:
    parts = (partial(MLPEncoder, hidden=[4]), DiagonalNormalPosterior, StandardNormalPrior)
    return VAE(spec, 2, *parts, decoder, likelihood)


@pytest.mark.parametrize("kind", [MLPDecoder, GatedMLPDecoder])
def test_a_decoder_begins_at_the_data_s_mean_if_it_is_to(kind: type[Decoder]) -> None:
    mean = torch.tensor([[0.0, 0.3], [0.9, 1.0]])
    spec = DataSpec("binary", (2, 2), levels=2, mean=mean)
    nowhere = {"z": torch.zeros(1, 2)}
    model = make(partial(kind, hidden=[], bias="data_mean"), BernoulliLikelihood, spec)
    # Clipped: a pixel that was always off may be on.
    assert torch.allclose(model.decode(nowhere)[0], mean.clamp(1e-3, 1 - 1e-3), atol=1e-6)
    elsewhere = make(partial(kind, hidden=[], bias="default"), BernoulliLikelihood, spec)
    assert not torch.allclose(elsewhere.decode(nowhere)[0], mean, atol=0.1)
    # Nothing else is moved.
    assert model.decode({"z": torch.ones(1, 2)}).isfinite().all()
    assert not torch.equal(model.decode({"z": torch.ones(1, 2)}), model.decode(nowhere))


def test_without_a_mean_there_is_nothing_to_begin_at() -> None:
    torch.manual_seed(0)
    plain = make(partial(MLPDecoder, hidden=[]), BernoulliLikelihood, DataSpec("binary", (4,), levels=2))
    torch.manual_seed(0)
    other = make(partial(MLPDecoder, hidden=[], bias="data_mean"), BernoulliLikelihood, plain.spec)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), other.parameters(), strict=True))


def test_a_gaussian_begins_at_the_mean_itself() -> None:
    spec = DataSpec("real", (3,), mean=torch.tensor([-2.0, 0.0, 5.0]), std=torch.ones(3))
    model = make(partial(MLPDecoder, hidden=[], bias="data_mean"), GaussianLikelihood, spec)
    assert torch.equal(model.decode({"z": torch.zeros(1, 2)})[0], spec.mean)
