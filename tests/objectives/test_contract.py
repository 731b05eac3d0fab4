"""Every objective of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from inspect import signature

import pytest
import torch

from lvm_experiments import objectives
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import M2, VAE, BernoulliMixture, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, Linear, Objective, Schedule
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_objective
from tests.support.members import buildable, members, undocumented
from tests.support.parts import CodesPosterior, CodesPrior, TwoLayers

OBJECTIVES = members("lvm_experiments.objectives", Objective)
SCHEDULES = members("lvm_experiments.objectives", Schedule)

CELLS = DataSpec("binary", (6,), levels=2)


def codes() -> VAE:
    """Draws without gradients."""
    encoder, decoder = partial(MLPEncoder, hidden=[5]), partial(MLPDecoder, hidden=[5])
    return VAE(CELLS, 2, encoder, CodesPosterior, CodesPrior, decoder, BernoulliLikelihood)


def labels() -> M2:
    """A latent label."""
    encoder, decoder = partial(MLPEncoder, hidden=[5]), partial(MLPDecoder, hidden=[5])
    parts = encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, BernoulliLikelihood
    return M2(CELLS.replace(classes=3), 2, *parts)


MODELS: dict[str, Callable[[], LatentVariableModel | None]] = {
    "small": lambda: None,
    "two layers": lambda: TwoLayers(CELLS),
    "codes": codes,
    "exact": lambda: BernoulliMixture(CELLS, 3),
    "labels": labels,
}


def accepts(objective: Callable[[], Objective], model: LatentVariableModel | None) -> bool:
    """Whether it keeps the contract with a model, or refuses it in one sentence that names alternatives."""
    try:
        check_objective(objective, model)
    except RequestError as refusal:
        text = str(refusal)
    else:
        return True
    assert re.fullmatch("objective: .+; choose .+", text)
    return False


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("num_samples", [1, 5])
@pytest.mark.parametrize("kind", OBJECTIVES, ids=lambda k: k.__name__)
def test_contract(kind: type[Objective], num_samples: int, dtype: torch.dtype, request: pytest.FixtureRequest) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    given = {"num_samples": num_samples} if "num_samples" in signature(kind).parameters else {}
    accepts(partial(buildable(kind, given=0), **given), None)


@pytest.mark.parametrize("model", ["two layers", "codes", "exact", "labels"])
@pytest.mark.parametrize("kind", OBJECTIVES, ids=lambda k: k.__name__)
def test_contract_with_other_models(kind: type[Objective], model: str) -> None:
    accepts(buildable(kind, given=0), MODELS[model]())


@pytest.mark.parametrize("kind", OBJECTIVES, ids=lambda k: k.__name__)
def test_there_is_a_model_for_it(kind: type[Objective]) -> None:
    assert any(accepts(buildable(kind, given=0), make()) for make in MODELS.values())


def test_contract_with_a_schedule() -> None:
    check_objective(partial(ELBO, beta=4.0, schedule=Linear(duration=3)))


def test_the_catalogue_lists_what_is_there() -> None:
    names = {kind.__name__ for kind in [*OBJECTIVES, *SCHEDULES]}
    assert names | {"Losses", "Objective", "Progress", "Schedule"} >= set(objectives.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented([*OBJECTIVES, *SCHEDULES]) == []
