"""What the likelihoods over real, unit and level values make of raw parameters, and what they refuse."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import softplus

from lvm_experiments.likelihoods import (
    BetaLikelihood,
    DiscretizedGaussianLikelihood,
    DiscretizedLogisticMixtureLikelihood,
    FixedStudentTLikelihood,
    LaplaceLikelihood,
    Likelihood,
    LogisticLikelihood,
    OptimalGaussianLikelihood,
    PredictedLaplaceLikelihood,
    PredictedLogisticLikelihood,
    PredictedStudentTLikelihood,
    StudentTLikelihood,
)
from lvm_experiments.observations import Intensity, ToUnit
from lvm_experiments.spec import DataSpec

REAL = DataSpec("real", (5,))
LEARNED: list[tuple[Any, Any]] = [
    (partial(LaplaceLikelihood, scale=0.7), stats.laplace(0, 0.7)),
    (partial(LogisticLikelihood, scale=0.7), stats.logistic(0, 0.7)),
    (partial(StudentTLikelihood, scale=0.7, df=3.5), stats.t(3.5, 0, 0.7)),
    (partial(StudentTLikelihood, scale=0.7, df=40.0, min_df=1.5), stats.t(40.0, 0, 0.7)),
    (partial(FixedStudentTLikelihood, scale=0.7, df=1.25), stats.t(1.25, 0, 0.7)),
]
PREDICTED: list[tuple[Any, Any]] = [
    (PredictedLaplaceLikelihood, stats.laplace),
    (PredictedLogisticLikelihood, stats.logistic),
]
EVERY = [
    BetaLikelihood,
    DiscretizedGaussianLikelihood,
    DiscretizedLogisticMixtureLikelihood,
    *[kind.func for kind, _ in LEARNED],
    *[kind for kind, _ in PREDICTED],
    OptimalGaussianLikelihood,
    PredictedStudentTLikelihood,
]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "law"), LEARNED)
def test_a_learned_scale_starts_where_it_is_told(kind: Any, law: Any) -> None:
    raw, x = torch.randn(2, 3, 1, 5), torch.randn(3, 5)
    truth = law.logpdf((x - raw[:, :, 0]).numpy()).sum(-1)
    np.testing.assert_allclose(kind(REAL)(raw).log_prob(x).detach().numpy(), truth, rtol=1e-10)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "law"), PREDICTED)
def test_a_predicted_scale_has_a_floor_added(kind: Any, law: Any) -> None:
    raw, x = torch.randn(2, 3, 2, 5), torch.randn(3, 5)
    loc, scale = raw[:, :, 0].numpy(), raw[:, :, 1].exp().numpy() + 0.01
    mine = kind(REAL, min_scale=0.01)(raw).log_prob(x)
    np.testing.assert_allclose(mine.numpy(), law(loc, scale).logpdf(x.numpy()).sum(-1), rtol=1e-10)


@pytest.mark.usefixtures("float64")
def test_predicted_degrees_of_freedom_stay_above_their_floor() -> None:
    raw, x = torch.randn(2, 3, 3, 5), torch.randn(3, 5)
    law = stats.t(2.5 + softplus(raw[:, :, 2]).numpy(), raw[:, :, 0].numpy(), raw[:, :, 1].exp().numpy() + 0.01)
    mine = PredictedStudentTLikelihood(REAL, min_scale=0.01, min_df=2.5)(raw).log_prob(x)
    np.testing.assert_allclose(mine.numpy(), law.logpdf(x.numpy()).sum(-1), rtol=1e-10)


@pytest.mark.usefixtures("float64")
def test_a_beta_has_the_stated_shapes() -> None:
    raw, x = torch.randn(2, 3, 2, 5), torch.rand(3, 5)
    m, c = torch.sigmoid(raw[:, :, 0]).numpy(), raw[:, :, 1].exp().numpy()
    c = c * (1 + 1 / 50) / (1 + c / 50)
    law = stats.beta(0.3 + 1.4 * m * c, 0.3 + 1.4 * (1 - m) * c)
    part = BetaLikelihood(DataSpec("unit", (5,)), min_shape=0.3, max_concentration=50.0)
    np.testing.assert_allclose(part(raw).log_prob(x).numpy(), law.logpdf(x.numpy()).sum(-1), rtol=1e-9)


@pytest.mark.parametrize("kind", EVERY, ids=lambda k: k.__name__)
def test_extreme_raw_parameters_have_finite_gradients_in_float32(kind: type[Likelihood]) -> None:
    """Each parameter of a cell at each extreme, and values at the edges of what data hold."""
    spec = DataSpec(kind.space, (3, 1, 2), levels=256 if kind.space == "bytes" else 0)
    part = kind(spec).train()
    low, high = {"bytes": (0.0, 255.0), "unit": (1e-8, 1 - 4e-7), "real": (-1e3, 1e3)}[kind.space]
    x = torch.tensor([low, high]).expand(1, 3, 1, 2)
    parameters = part.parameter_shape[0]
    for value in (-100.0, -20.0, 20.0, 80.0):
        raw = (value * torch.eye(parameters))[None, :, :, None, None, None].expand(1, -1, -1, 3, 1, 2)
        raw = raw.clone().requires_grad_()
        log_p = part(raw).log_prob(x)
        assert log_p.isfinite().all()
        assert torch.autograd.grad(log_p.sum(), raw)[0].isfinite().all()


def test_a_beta_takes_dequantised_levels_and_refuses_the_edges() -> None:
    """0 and 255 dequantised lie inside; grey levels read as numbers in [0, 1] do not."""
    spec, x = DataSpec("bytes", (2,), levels=256), torch.tensor([[0, 255]]).expand(10_000, 2)
    inside = ToUnit(spec)(x)
    part = BetaLikelihood(ToUnit(spec).spec)
    part.check(inside)
    assert part(torch.full((1, 10_000, 2, 2), -3.0)).log_prob(inside).isfinite().all()
    with pytest.raises(ValueError, match=r"BetaLikelihood .* unit values, and the data hold 0$"):
        part.check(Intensity(spec)(x))


@pytest.mark.parametrize("kind", [DiscretizedGaussianLikelihood, DiscretizedLogisticMixtureLikelihood])
@pytest.mark.parametrize("value", [-1.0, 0.5, 17.0, torch.nan])
def test_what_is_no_level_is_refused(kind: Any, value: float) -> None:
    part = kind(DataSpec("bytes", (3,), levels=17))
    part.check(torch.tensor([[0.0, 7.0, 16.0]]))
    with pytest.raises(ValueError, match="distribution over bytes values"):
        part.check(torch.tensor([[0.0, value, 16.0]]))
    with pytest.raises(ValueError, match="at least 2 levels"):
        kind(DataSpec("bytes", (3,)))


@pytest.mark.parametrize(
    ("kind", "sorts"), [(DiscretizedGaussianLikelihood, 2), (DiscretizedLogisticMixtureLikelihood, 3)]
)
def test_a_level_s_scale_has_a_floor(kind: Any, sorts: int) -> None:
    part = kind(DataSpec("bytes", (3,), levels=256), min_log_scale=-6.0)
    x = torch.tensor([[0.0, 100.0, 255.0]])
    at = []
    for log_scale in (-50.0, -6.0, -5.9):
        raw = torch.full((1, 1, sorts, part.parameter_shape[0] // sorts, 3), 0.2)
        raw[:, :, -1] = log_scale
        at.append(part(raw.flatten(2, 3)).log_prob(x))
    assert torch.equal(at[0], at[1])
    assert not torch.equal(at[1], at[2])


@pytest.mark.parametrize(("shape", "mask"), [((5,), "cells"), ((1, 4, 4), "cells"), ((3, 4, 4), "pixels")])
def test_only_the_channels_of_colours_are_coupled(shape: tuple[int, ...], mask: str) -> None:
    """Changing red changes what green is worth, or does not."""
    part = DiscretizedLogisticMixtureLikelihood(DataSpec("bytes", shape, levels=16))
    assert part.mask == mask
    p, x = part(torch.randn(1, 1, *part.parameter_shape)), torch.zeros(1, *shape)
    moved = x.clone()
    moved[:, 0] = 15.0
    same = torch.isclose(p.cell_log_prob(x), p.cell_log_prob(moved))[0, 0]
    assert not same[0].any()
    assert bool(same[1:].all()) == (mask == "cells")


def test_half_a_pixel_is_refused() -> None:
    part = DiscretizedLogisticMixtureLikelihood(DataSpec("bytes", (3, 2, 2), levels=4))
    mask = torch.ones(5, 3, 2, 2, dtype=torch.bool)
    part.check(torch.zeros(5, 3, 2, 2), mask)
    mask[2, 1, 0, 0] = False
    with pytest.raises(ValueError, match="missing as a whole"):
        part.check(torch.zeros(5, 3, 2, 2), mask)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (partial(StudentTLikelihood, df=2.0), "df starts above min_df = 2, not at 2"),
        (partial(StudentTLikelihood, min_df=0.5), "min_df has to be at least 1"),
        (partial(PredictedStudentTLikelihood, min_df=0.5), "min_df has to be at least 1"),
        (partial(FixedStudentTLikelihood, df=1.0), "df has to be above 1"),
    ],
)
def test_a_t_distribution_without_a_mean_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kind(REAL)


def test_the_best_learned_laplace_scale_is_the_mean_absolute_residual() -> None:
    part, x = LaplaceLikelihood(REAL), torch.randn(1000, 5)
    with torch.no_grad():
        part.log_scale.copy_(x.abs().mean().log())
    (slope,) = torch.autograd.grad(part(torch.zeros(1, 1000, 1, 5)).log_prob(x).mean(), part.log_scale)
    assert abs(slope.item()) < 1e-5 * math.sqrt(1000)
