"""Counts with and without their size given, and bags of words."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from lvm_experiments.likelihoods import (
    MultinomialLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    PredictedNegativeBinomialLikelihood,
    ZeroInflatedNegativeBinomialLikelihood,
    ZeroInflatedPoissonLikelihood,
)
from lvm_experiments.likelihoods.counts import CountLikelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_likelihood

pytestmark = pytest.mark.usefixtures("float64")
KINDS = [
    PoissonLikelihood,
    ZeroInflatedPoissonLikelihood,
    NegativeBinomialLikelihood,
    PredictedNegativeBinomialLikelihood,
    ZeroInflatedNegativeBinomialLikelihood,
]
SPEC = DataSpec("counts", (4,), mean=torch.tensor([1.0, 2.0, 0.5, 4.0]))
X = torch.tensor([[3.0, 0.0, 1.0, 6.0], [0.0, 2.0, 2.0, 0.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_with_its_size_observed_it_keeps_the_contract(kind: type[CountLikelihood]) -> None:
    check_likelihood(partial(kind, size="observed"), SPEC)


@pytest.mark.parametrize("kind", KINDS)
def test_an_observed_size_is_said_to_be_conditioned_on(kind: type[CountLikelihood]) -> None:
    free, sized = kind(SPEC), kind(SPEC, size="observed")
    assert (free.normalised, free.given) == (True, "")
    assert (sized.normalised, sized.given) == (False, "its total as size")


def test_means_are_shares_of_the_total() -> None:
    raw = torch.randn(2, 2, 1, 4)
    share = torch.softmax(raw[:, :, 0], -1)
    mine = PoissonLikelihood(SPEC, size="observed")(raw)
    truth = stats.poisson((X.sum(-1, keepdim=True) * share).numpy()).logpmf(X.numpy()).sum(-1)
    np.testing.assert_allclose(mine.log_prob(X), truth, rtol=1e-10)
    # Draws have the mean size of training, 7.5.
    assert torch.allclose(mine.mean, 7.5 * share)


def test_the_negative_binomial_is_scvi_s() -> None:
    part = NegativeBinomialLikelihood(SPEC, size="observed")
    with torch.no_grad():
        part.log_inverse_dispersion.copy_(torch.tensor([-1.0, 0.0, 1.0, 2.0]))
    raw = torch.randn(1, 2, 1, 4)
    mean = (X.sum(-1, keepdim=True) * torch.softmax(raw[0, :, 0], -1)).numpy()
    theta = part.log_inverse_dispersion.exp().detach().numpy()
    truth = stats.nbinom(theta, theta / (theta + mean)).logpmf(X.numpy()).sum(-1)
    np.testing.assert_allclose(part(raw).log_prob(X)[0].detach(), truth, rtol=1e-9)


def test_missing_cells_have_no_share_in_the_total() -> None:
    """As if the observed cells were all there are."""
    raw, mask = torch.randn(1, 2, 1, 4), torch.tensor([True, False, True, True])
    masked = PoissonLikelihood(SPEC, size="observed")(raw).log_prob(X, mask)
    fewer = PoissonLikelihood(DataSpec("counts", (3,)), size="observed")(raw[..., mask]).log_prob(X[:, mask])
    assert torch.allclose(masked, fewer, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_of_which_nothing_was_counted_has_finite_gradients(kind: type[CountLikelihood]) -> None:
    part = kind(SPEC, size="observed")
    raw = torch.randn(1, 1, *part.parameter_shape, requires_grad=True)
    log_p = part(raw).log_prob(torch.zeros(1, 4))
    (gradient,) = torch.autograd.grad(log_p.sum(), raw)
    assert torch.isfinite(log_p).all()
    assert torch.isfinite(gradient).all()


def test_a_dispersion_for_each_dimension_is_learned_from_overdispersed_counts() -> None:
    """The slope of the mean log-likelihood is 0 at the truth, within 5 standard errors of 20,000 draws."""
    part = NegativeBinomialLikelihood(DataSpec("counts", (2,)))
    truth = torch.tensor([-0.7, 0.9])
    with torch.no_grad():
        part.log_inverse_dispersion.copy_(truth)
    raw = torch.full((1, 20_000, 1, 2), 1.5)
    x = part(raw).sample()[0]
    p = part(raw).cell_log_prob(x)[0]
    (slope,) = torch.autograd.grad(p.sum(), part.log_inverse_dispersion)
    step = 1e-4
    with torch.no_grad():
        part.log_inverse_dispersion.add_(step)
        ahead = part(raw).cell_log_prob(x)[0]
    scores = (ahead - p.detach()) / step
    assert torch.allclose(slope / 20_000, scores.mean(0), atol=1e-3)
    assert (slope.abs() / 20_000 < 5 * scores.std(0) / 20_000**0.5).all()


def test_a_bag_of_words_is_refused_where_some_are_missing() -> None:
    part = MultinomialLikelihood(SPEC)
    assert (part.mask, part.given, part.normalised) == (None, "its total", True)
    part.check(X)
    with pytest.raises(ValueError, match="whole examples, and cells are missing"):
        part.check(X, X > 0)
    assert torch.allclose(part(torch.zeros(1, 1, 1, 4)).mean.sum(-1), torch.tensor(7.5))


@pytest.mark.parametrize("value", [-1.0, 0.5, torch.inf])
def test_what_is_no_count_is_refused(value: float) -> None:
    for kind in (PoissonLikelihood, MultinomialLikelihood):
        with pytest.raises(ValueError, match="distribution over counts values"):
            kind(SPEC).check(torch.tensor([[1.0, 2.0, value, 0.0]]))
