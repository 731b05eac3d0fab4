from __future__ import annotations

import logging
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import VAE, Evidence
from lvm_experiments.objectives import IWAE, Losses, MissingIWAE, Progress
from tests.objectives.models import flat, gradients
from tests.support.linear_gaussian import LinearGaussian

pytestmark = pytest.mark.usefixtures("float64")
MASKS = torch.tensor(list(product([False, True], repeat=5)))  # all 2^D, an example each


def losses(objective: IWAE, model: VAE, x: Tensor, mask: Tensor | None) -> Losses:
    torch.manual_seed(7)
    return objective(model, Batch(x, mask=mask), Progress())


def test_the_bound_goes_to_log_p_of_what_was_observed_for_every_mask() -> None:
    lg = LinearGaussian.make(1.0)
    x, model, K = lg.simulate(32), lg.model(stretch=2.0), 20_000
    truth = torch.cat([lg.log_p(x[i : i + 1], mask) for i, mask in enumerate(MASKS.numpy())])
    found = losses(MissingIWAE(K), model, x, MASKS).terms["iw_elbo"]
    torch.manual_seed(7)
    error = Evidence.from_log_weights(model.draw(Batch(x, mask=MASKS), K).log_weight.detach()).standard_error
    assert ((found - truth).abs() < 4 * error + 1e-9).all()
    assert error.max() < 0.08
    assert (truth[:-1] - lg.log_p(x)[:-1]).abs().min() > 0.01  # and not of all of them


@pytest.mark.parametrize("K", [1, 6])
def test_what_stands_in_missing_cells_changes_nothing_to_the_bit(K: int) -> None:
    lg = LinearGaussian.make(1.0)
    x, model = lg.simulate(32), lg.model(shift=0.3)
    kept = []
    for filler in (0.0, 1e6, np.nan, np.inf):
        found = losses(MissingIWAE(K), model, torch.where(MASKS, x, filler), MASKS)
        kept.append([found.loss["model"].detach()[None], *found.terms.values(), *gradients(found.loss["model"], model)])
    for others in kept[1:]:
        assert all(torch.equal(a, b) for a, b in zip(kept[0], others, strict=True))
    assert all(torch.isfinite(value).all() for value in kept[0])


def test_where_all_is_observed_it_is_the_importance_weighted_bound() -> None:
    lg = LinearGaussian.make(1.0)
    x, model = lg.simulate(6), lg.model(shift=0.3)
    plain = losses(IWAE(4), model, x, None)
    for mask in (None, torch.ones(6, 5, dtype=torch.bool)):
        found = losses(MissingIWAE(4), model, x, mask)
        assert all(torch.equal(found.terms[name], term) for name, term in plain.terms.items())
        both = [flat(gradients(one.loss["model"], model)) for one in (plain, found)]
        assert torch.equal(*both)


def test_where_nothing_is_observed_the_evidence_is_0() -> None:
    lg = LinearGaussian.make(1.0)
    none = torch.zeros(4, 5, dtype=torch.bool)
    exact = losses(MissingIWAE(3), lg.model_with_prior_as_posterior(), lg.simulate(4), none).terms
    assert torch.allclose(exact["iw_elbo"], torch.zeros(4), atol=1e-12)
    assert torch.equal(exact["distortion"], torch.zeros(4))
    model = lg.model(shift=0.5)
    torch.manual_seed(7)
    kl = model.draw(Batch(lg.simulate(4), mask=none), 40_000).kl
    elbo = losses(MissingIWAE(40_000), model, lg.simulate(4), none).terms["elbo"]
    assert torch.allclose(elbo, -kl, atol=0.02)
    assert (kl > 0.1).all()


def test_it_is_said_once_that_nothing_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    lg = LinearGaussian.make(1.0)
    x, model = lg.simulate(4), lg.model()
    with caplog.at_level(logging.WARNING):
        losses(MissingIWAE(2), model, x, MASKS[5:9])
        assert caplog.records == []
        objective = MissingIWAE(2)
        for _ in range(3):
            losses(objective, model, x, None)
    (record,) = caplog.records
    assert record.getMessage().startswith("no cell of the data is missing")


def test_a_likelihood_of_whole_examples_is_refused() -> None:
    model = LinearGaussian.make(1.0).model()
    MissingIWAE().check(model)
    model.likelihood.mask = None
    with pytest.raises(RequestError, match="MissingIWAE needs a likelihood that can leave cells out"):
        MissingIWAE().check(model)
