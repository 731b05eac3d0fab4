"""Traps 5 and 8: what lies outside the support is refused, and refused in words."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments.likelihoods import (
    BernoulliLikelihood,
    ContinuousBernoulliLikelihood,
    DiscretizedLogisticLikelihood,
    GaussianLikelihood,
    Likelihood,
    SoftBernoulliLikelihood,
)
from lvm_experiments.spec import DataSpec


def built(kind: type[Likelihood], levels: int = 0) -> Likelihood:
    return kind(DataSpec(kind.space, (3,), levels=levels))


GOOD = [
    (BernoulliLikelihood, 2, [0.0, 1.0, 1.0]),
    (SoftBernoulliLikelihood, 0, [0.0, 0.5, 1.0]),
    (ContinuousBernoulliLikelihood, 0, [0.0, 0.5, 1.0]),
    (DiscretizedLogisticLikelihood, 17, [0.0, 7.0, 16.0]),
    (DiscretizedLogisticLikelihood, 256, [0.0, 16.0, 255.0]),
    (GaussianLikelihood, 0, [-1e6, 0.0, 1e6]),
]
BAD = [
    (BernoulliLikelihood, 2, 0.5),
    (BernoulliLikelihood, 2, 1e-6),
    (BernoulliLikelihood, 2, 2.0),
    (BernoulliLikelihood, 2, -1.0),
    (SoftBernoulliLikelihood, 0, 1.01),
    (SoftBernoulliLikelihood, 0, -0.01),
    (ContinuousBernoulliLikelihood, 0, 1.01),
    (ContinuousBernoulliLikelihood, 0, 255.0),
    (DiscretizedLogisticLikelihood, 17, 17.0),
    (DiscretizedLogisticLikelihood, 17, 0.5),
    (DiscretizedLogisticLikelihood, 256, 256.0),
    (DiscretizedLogisticLikelihood, 256, -1.0),
    (GaussianLikelihood, 0, torch.inf),
    *[(kind, levels, torch.nan) for kind, levels, _ in GOOD],
]


@pytest.mark.parametrize(("kind", "levels", "x"), GOOD)
def test_values_inside_are_accepted(kind: type[Likelihood], levels: int, x: list[float]) -> None:
    built(kind, levels).check(torch.tensor([x]))


@pytest.mark.parametrize(("kind", "levels", "value"), BAD)
def test_a_single_value_outside_is_refused(kind: type[Likelihood], levels: int, value: float) -> None:
    x = torch.zeros(4, 3)
    x[2, 1] = value
    with pytest.raises(ValueError, match=r"distribution over|soft targets"):
        built(kind, levels).check(x)
    built(kind, levels).check(x, mask=torch.arange(12).reshape(4, 3) != 7)


def test_the_refusal_names_likelihood_space_and_value() -> None:
    with pytest.raises(ValueError, match=r"BernoulliLikelihood .* binary .* 0\.25$"):
        built(BernoulliLikelihood, 2).check(torch.tensor([[0.0, 0.25, 1.0]]))


def test_a_discretised_logistic_needs_levels() -> None:
    with pytest.raises(ValueError, match="at least 2 levels"):
        built(DiscretizedLogisticLikelihood, 0)


def test_a_discretised_logistic_s_scale_has_a_floor() -> None:
    """Below an eighth of a bin of 256 nothing is gained, and a density would run away."""
    part = DiscretizedLogisticLikelihood(DataSpec("bytes", (3,), levels=256), min_log_scale=-7.0)
    x = torch.tensor([[0.0, 100.0, 255.0]])
    at = [part(torch.tensor([[[[0.2] * 3, [s] * 3]]])).log_prob(x) for s in (-50.0, -7.0, -6.9)]
    assert torch.equal(at[0], at[1])
    assert not torch.equal(at[1], at[2])


def test_soft_targets_say_that_they_are_no_density() -> None:
    assert BernoulliLikelihood.normalised
    assert not SoftBernoulliLikelihood.normalised
