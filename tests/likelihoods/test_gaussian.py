"""Trap 1: the whole normaliser, 0.5 D log 2 pi s^2 included, whatever the variance and wherever it comes from."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from lvm_experiments.likelihoods import (
    FixedGaussianLikelihood,
    GaussianLikelihood,
    Likelihood,
    PerDimensionGaussianLikelihood,
    PredictedGaussianLikelihood,
)
from lvm_experiments.spec import DataSpec

pytestmark = pytest.mark.usefixtures("float64")
SPEC = DataSpec("real", (5,))


@pytest.mark.parametrize("variance", [0.01, 1.0, 4.0])
@pytest.mark.parametrize("kind", [FixedGaussianLikelihood, GaussianLikelihood])
def test_log_prob_is_scipy_s_multivariate_normal(kind: type[Likelihood], variance: float) -> None:
    raw, x = torch.randn(2, 3, 1, 5), torch.randn(3, 5)
    mine = partial(kind, variance=variance)(SPEC)(raw).log_prob(x)
    for k in range(2):
        for b in range(3):
            truth = multivariate_normal(raw[k, b, 0].numpy(), variance * np.eye(5)).logpdf(x[b].numpy())
            assert mine[k, b].item() == pytest.approx(truth, rel=1e-10)


def test_a_scale_for_each_dimension_is_scipy_s_with_the_floor_added() -> None:
    part = PerDimensionGaussianLikelihood(SPEC, variance=0.1, min_variance=1e-4)
    with torch.no_grad():
        part.log_scale.copy_(torch.randn(5))
    raw, x = torch.randn(1, 3, 1, 5), torch.randn(3, 5)
    sd = part.log_scale.exp().detach().numpy() + 1e-2
    for b in range(3):
        truth = multivariate_normal(raw[0, b, 0].numpy(), np.diag(sd**2)).logpdf(x[b].numpy())
        assert part(raw).log_prob(x)[0, b].item() == pytest.approx(truth, rel=1e-10)


def test_a_predicted_scale_is_scipy_s_with_the_floor_added() -> None:
    part = PredictedGaussianLikelihood(SPEC, min_variance=1e-4)
    raw, x = torch.randn(1, 3, 2, 5), torch.randn(3, 5)
    for b in range(3):
        sd = raw[0, b, 1].exp().numpy() + 1e-2
        truth = multivariate_normal(raw[0, b, 0].numpy(), np.diag(sd**2)).logpdf(x[b].numpy())
        assert part(raw).log_prob(x)[0, b].item() == pytest.approx(truth, rel=1e-10)


@pytest.mark.parametrize("kind", [PerDimensionGaussianLikelihood, PredictedGaussianLikelihood])
def test_a_density_has_a_bound_however_well_a_cell_is_predicted(kind: type[Likelihood]) -> None:
    part = partial(kind, min_variance=1e-6)(SPEC)
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.fill_(-100.0)
    raw = torch.zeros(1, 1, *part.parameter_shape)
    raw[:, :, 1:] = -100.0
    highest = 5 * -0.5 * np.log(2 * np.pi * 1e-6)
    assert part(raw).log_prob(torch.zeros(1, 5)).item() == pytest.approx(highest, rel=1e-9)


def test_a_learned_scale_is_learned_to_be_the_residual_s() -> None:
    """The maximum of the likelihood over one sigma^2 is the mean square residual."""
    part = GaussianLikelihood(SPEC, variance=1.0)
    raw, x = torch.zeros(1, 1000, 1, 5), 0.3 * torch.randn(1000, 5)
    with torch.no_grad():
        part.log_scale.copy_(x.square().mean().log() / 2)
    (slope,) = torch.autograd.grad(part(raw).log_prob(x).mean(), part.log_scale)
    assert abs(slope) < 1e-12


def test_a_fixed_scale_is_not_learned_nor_saved() -> None:
    assert FixedGaussianLikelihood(SPEC).state_dict() == {}
    assert not list(FixedGaussianLikelihood(SPEC).parameters())
