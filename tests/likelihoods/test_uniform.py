"""Trap 8: a uniform model has log2(levels) bits a dimension, 8 for bytes, whichever likelihood expresses it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from lvm_experiments.likelihoods import (
    BetaLikelihood,
    ContinuousBernoulliLikelihood,
    DiscretizedGaussianLikelihood,
    DiscretizedLogisticLikelihood,
    DiscretizedLogisticMixtureLikelihood,
    Likelihood,
)
from lvm_experiments.observations import ToUnit
from lvm_experiments.spec import DataSpec

BYTES = [(levels, shape) for levels in (17, 256) for shape in [(5,), (3, 2, 2)]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("levels", "shape"), BYTES)
@pytest.mark.parametrize("kind", [BetaLikelihood, ContinuousBernoulliLikelihood])
def test_a_uniform_density_of_dequantised_levels(
    kind: type[Likelihood], levels: int, shape: tuple[int, ...], dtype: torch.dtype, request: pytest.FixtureRequest
) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    observation = ToUnit(DataSpec("bytes", shape, levels=levels))
    part = kind(observation.spec)
    # The lowest and the highest level among them.
    x = observation(torch.randint(levels, (50, *shape)).clamp(0, levels - 1) * torch.randint(2, (50, *shape)))
    log_p = part(torch.zeros(1, 50, *part.parameter_shape)).log_prob(x) + observation.log_det()
    bits = -log_p / observation.spec.dims / math.log(2)
    digits = 1e-5 if dtype == torch.float32 else 1e-10
    assert torch.allclose(bits, torch.full_like(bits, math.log2(levels)), rtol=0, atol=digits)


@pytest.mark.parametrize(
    "kind", [DiscretizedGaussianLikelihood, DiscretizedLogisticLikelihood, DiscretizedLogisticMixtureLikelihood]
)
@pytest.mark.parametrize("shape", [(5,), (1, 2, 2), (3, 2, 2)])
def test_two_levels_around_the_middle_have_one_bit(
    kind: Callable[[DataSpec], Likelihood], shape: tuple[int, ...]
) -> None:
    part = kind(DataSpec("bytes", shape, levels=2))
    x = torch.randint(2, (50, *shape)).float()
    bits = -part(torch.zeros(1, 50, *part.parameter_shape)).log_prob(x) / math.prod(shape) / math.log(2)
    assert torch.allclose(bits, torch.ones_like(bits), rtol=0, atol=1e-6)


def test_a_component_for_each_level_has_log2_of_the_levels() -> None:
    part = DiscretizedLogisticMixtureLikelihood(DataSpec("bytes", (5,), levels=17), components=17)
    raw = torch.zeros(1, 17, 3, 17, 5)
    raw[:, :, 1] = ((2 * torch.arange(17.0) + 1) / 17 - 1)[:, None]
    raw[:, :, 2] = -50.0
    x = torch.arange(17.0)[:, None].expand(17, 5)
    bits = -part(raw.flatten(2, 3)).log_prob(x) / 5 / math.log(2)
    assert torch.allclose(bits, torch.full_like(bits, math.log2(17)), rtol=0, atol=1e-6)
