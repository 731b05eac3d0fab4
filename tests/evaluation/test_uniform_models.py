"""Traps 7 and 8: a uniform model has exactly log2(levels) bits per dimension, by each map that keeps density."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import Evaluation
from lvm_experiments.likelihoods import (
    BernoulliLikelihood,
    ContinuousBernoulliLikelihood,
    DiscretizedLogisticLikelihood,
    Likelihood,
)
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import BinariseDynamic, Identity, ObservationMap, ToReal, ToUnit
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import HistogramLikelihood, UniformLevels, UniformReal

SHAPE = (3, 8, 8)  # channels count


def uniform_vae(spec: DataSpec, likelihood: Callable[[DataSpec], Likelihood]) -> VAE:
    """Raw parameters are 0 and the posterior is the prior, whatever x and z are."""
    model = VAE(
        spec,
        2,
        partial(MLPEncoder, hidden=[4]),
        DiagonalNormalPosterior,
        StandardNormalPrior,
        partial(MLPDecoder, hidden=[4]),
        likelihood,
    )
    for layer in (model.posterior.parameters_of, model.decoder.layers[-1]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return model


def data(levels: int) -> tuple[DataSpec, torch.Tensor]:
    x = torch.randint(0, levels, (40, *SHAPE), generator=torch.Generator().manual_seed(0))
    number = x.double()
    summary = {"mean": number.mean(0).float(), "std": number.std(0).float()}
    return DataSpec("bytes", SHAPE, levels=levels, **summary), x.to(torch.uint8)


def standardised(spec: DataSpec) -> ObservationMap:
    return ToReal(spec, standardise=True)


def wide(spec: DataSpec, observation: ObservationMap) -> Callable[[DataSpec], Likelihood]:
    """Uniform over the interval that the unit interval became: its density is the scale of the map."""
    scale = observation.scale.item()  # type: ignore[attr-defined]
    return partial(UniformReal, log_density=math.log(scale))


def levels_of(spec: DataSpec, observation: ObservationMap) -> Callable[[DataSpec], Likelihood]:
    return partial(UniformLevels, log_density=-math.log(spec.levels))


def continuous(spec: DataSpec, observation: ObservationMap) -> Callable[[DataSpec], Likelihood]:
    return ContinuousBernoulliLikelihood


def histogram(spec: DataSpec, observation: ObservationMap) -> Callable[[DataSpec], Likelihood]:
    return partial(HistogramLikelihood, mass=torch.full((spec.levels,), 1 / spec.levels))


WAYS = {
    "identity": (Identity, levels_of),
    "unit": (ToUnit, continuous),
    "unit_histogram": (ToUnit, histogram),
    "real": (ToReal, wide),
    "real_standardised": (standardised, wide),
}


def bits(model: VAE, observation: ObservationMap, x: torch.Tensor) -> float:
    given = [Batch(x[i], index=i) for i in torch.arange(len(x)).split(16)]
    report = Evaluation(num_samples=5, chunk=2).measure(model, observation, given, "test")
    (found,) = [m for m in report.measurements if m.name == "test/bits_per_dim"]
    assert found.unit == "bits/dim"
    assert ("dequantisation bound" in found.estimator) == isinstance(observation, ToUnit)
    return found.value


@pytest.mark.parametrize(("dtype", "digits"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("levels", [256, 17])
@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_uniform_model_has_log2_levels_bits_per_dimension(
    way: str, levels: int, dtype: torch.dtype, digits: float, request: pytest.FixtureRequest
) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    spec, x = data(levels)
    make, likelihood = WAYS[way]
    observation = make(spec)
    model = uniform_vae(observation.spec, likelihood(spec, observation))
    assert bits(model, observation, x) == pytest.approx(math.log2(levels), abs=digits)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("likelihood", [BernoulliLikelihood, DiscretizedLogisticLikelihood])
def test_a_fair_coin_has_one_bit(likelihood: type[Likelihood]) -> None:
    spec = DataSpec("binary", SHAPE, levels=2)
    x = torch.randint(0, 2, (40, *SHAPE))
    for observation in (Identity(spec), BinariseDynamic(spec)):
        model = uniform_vae(observation.spec, likelihood)
        assert bits(model, observation, x) == pytest.approx(1, abs=1e-12)


@pytest.mark.usefixtures("float64")
def test_one_density_has_the_same_bits_by_every_map() -> None:
    """A histogram over the levels: as a mass (8 levels, by hand) and as a dequantised density."""
    spec, x = data(8)
    mass = torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 8]) / 36
    truth = -mass.log2()[x.long()].mean().item()
    observation = ToUnit(spec)
    model = uniform_vae(observation.spec, partial(HistogramLikelihood, mass=mass))
    assert bits(model, observation, x) == pytest.approx(truth, abs=1e-12)


@pytest.mark.usefixtures("float64")
def test_dequantised_bits_of_a_smooth_density_are_an_upper_bound() -> None:
    """A continuous Bernoulli with logit 5 against the masses it gives to 4 levels."""
    spec, x = data(4)
    observation = ToUnit(spec)
    model = uniform_vae(observation.spec, ContinuousBernoulliLikelihood)
    nn.init.constant_(model.decoder.layers[-1].bias, 5.0)
    edges = torch.expm1(5 * torch.linspace(0, 1, 5))
    truth = -(edges.diff() / edges[-1]).log2()[x.long()].mean().item()
    assert bits(model, observation, x) > truth + 0.05
