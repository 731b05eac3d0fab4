"""Every objective of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lvm_experiments import objectives
from lvm_experiments.objectives import ELBO, Linear, Objective, Schedule
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_objective
from tests.support.members import buildable, members, undocumented
from tests.support.parts import TwoLayers

OBJECTIVES = members("lvm_experiments.objectives", Objective)
SCHEDULES = members("lvm_experiments.objectives", Schedule)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("num_samples", [1, 5])
@pytest.mark.parametrize("kind", OBJECTIVES, ids=lambda k: k.__name__)
def test_contract(kind: type[Objective], num_samples: int, dtype: torch.dtype, request: pytest.FixtureRequest) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    check_objective(partial(buildable(kind, given=0), num_samples=num_samples))


@pytest.mark.parametrize("kind", OBJECTIVES, ids=lambda k: k.__name__)
def test_contract_with_two_layers(kind: type[Objective]) -> None:
    check_objective(buildable(kind, given=0), TwoLayers(DataSpec("binary", (6,), levels=2)))


def test_contract_with_a_schedule() -> None:
    check_objective(partial(ELBO, beta=4.0, schedule=Linear(duration=3)))


def test_the_catalogue_lists_every_one() -> None:
    names = {kind.__name__ for kind in [*OBJECTIVES, *SCHEDULES]}
    assert names | {"Losses", "Objective", "Progress", "Schedule"} == set(objectives.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented([*OBJECTIVES, *SCHEDULES]) == []
