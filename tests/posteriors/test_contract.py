"""Every posterior of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments import posteriors
from lvm_experiments.posteriors import Posterior
from lvm_experiments.testing import check_posterior
from tests.support.members import buildable, members, undocumented

MEMBERS = members("lvm_experiments.posteriors", Posterior)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", MEMBERS, ids=lambda k: k.__name__)
def test_contract(kind: type[Posterior], dtype: torch.dtype, request: pytest.FixtureRequest) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    check_posterior(buildable(kind, given=2))


def test_the_catalogue_lists_what_is_there() -> None:
    assert {kind.__name__ for kind in MEMBERS} | {"Posterior"} >= set(posteriors.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented(MEMBERS) == []
