"""Missing cells of data in their own values."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import AutoregressiveTokensLikelihood, GaussianLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import GRUEncoder, MLPDecoder, MLPEncoder
from lvm_experiments.observations import Identity, ToUnit
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.runs import RunFolder
from lvm_experiments.runs.load import TrainedModel
from lvm_experiments.spec import DataSpec

LEVELS = DataSpec("bytes", (1, 4, 4), levels=17)


@pytest.fixture
def trained(tmp_path: Path) -> TrainedModel:
    observation = ToUnit(LEVELS)
    encoder, decoder = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    parts = encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, GaussianLikelihood
    model = VAE(observation.spec, 2, *parts)
    return TrainedModel(model, observation, {}, RunFolder(tmp_path))


X = torch.randint(0, 17, (6, 1, 4, 4), generator=torch.Generator().manual_seed(0)).float()
MASK = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.6


def test_cells_come_back_in_the_data_s_own_values(trained: TrainedModel) -> None:
    found = trained.impute(Batch(X, mask=MASK), 30)
    assert torch.equal(found[MASK], X[MASK])
    inside = trained.model.impute(trained.observe(Batch(X, mask=MASK)), 30, chunk=50, seed=0)
    own = trained.observation.inverse(inside, rounded=False)
    assert torch.equal(found[~MASK], own[~MASK])
    assert not torch.equal(own[MASK], X[MASK])  # the map's noise would be in them


def test_nan_stands_for_a_missing_cell(trained: TrainedModel) -> None:
    found = trained.impute(Batch(X, mask=MASK), 30, seed=3)
    missing = torch.where(MASK, X, torch.nan)
    assert torch.equal(trained.impute(missing, 30, seed=3), found)
    assert torch.equal(trained.impute(missing.numpy().astype(np.float64), 30, seed=3), found)
    assert not torch.equal(trained.impute(missing, 30, seed=4), found)


def test_whole_data_are_left_alone(trained: TrainedModel) -> None:
    assert torch.equal(trained.impute(X, 3), X)


def test_no_draws_and_other_data_are_refused(trained: TrainedModel) -> None:
    with pytest.raises(RequestError, match=r"^num_samples: 0 draws estimate nothing"):
        trained.impute(Batch(X, mask=MASK), 0)
    with pytest.raises(RequestError, match=r"^x: values from"):
        trained.impute(Batch(X + 3, mask=MASK), 3)


def test_a_likelihood_without_means_is_refused(tmp_path: Path) -> None:
    spec = DataSpec("tokens", (6,), levels=5)
    encoder, decoder = partial(GRUEncoder, embedding=3, hidden=4), partial(MLPDecoder, hidden=[4])
    likelihood = partial(AutoregressiveTokensLikelihood, context=3, embedding=3, hidden=4)
    model = VAE(spec, 2, encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, likelihood)
    trained = TrainedModel(model, Identity(spec), {}, RunFolder(tmp_path))
    mask = (torch.arange(6) < 4).expand(2, -1)
    with pytest.raises(RequestError, match=r"^x: AutoregressiveTokensLikelihood knows no mean of a cell"):
        trained.impute(Batch(torch.zeros(2, 6), mask=mask), 3)
