"""Every likelihood of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments import likelihoods
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_likelihood
from tests.support.members import buildable, members, undocumented

LIKELIHOODS = members("lvm_experiments.likelihoods", Likelihood)
SHAPES = [(5,), (1, 3, 4), (3, 2, 2)]
LEVELS = {"binary": [2], "bytes": [2, 17, 256]}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", LIKELIHOODS, ids=lambda k: k.__name__)
def test_contract(
    kind: type[Likelihood], shape: tuple[int, ...], dtype: torch.dtype, request: pytest.FixtureRequest
) -> None:
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    for levels in LEVELS.get(kind.space, [0]):
        check_likelihood(buildable(kind, given=1), DataSpec(kind.space, shape, levels=levels))


@pytest.mark.parametrize("kind", LIKELIHOODS, ids=lambda k: k.__name__)
def test_a_mask_broadcasts_over_channels(kind: type[Likelihood]) -> None:
    """Whole pixels are missing: the mask has one channel, x three."""
    part = buildable(kind, given=1)(DataSpec(kind.space, (3, 2, 2), levels=4))
    raw = torch.randn(2, 5, *part.parameter_shape)
    x = part(raw).sample()[0]
    mask = torch.rand(5, 1, 2, 2) < 0.5
    narrow, wide = part(raw).log_prob(x, mask), part(raw).log_prob(x, mask.expand(5, 3, 2, 2))
    assert torch.equal(narrow, wide)
    part.check(torch.where(mask, x, torch.nan), mask.expand_as(x))


def test_the_catalogue_lists_every_one() -> None:
    assert {kind.__name__ for kind in LIKELIHOODS} | {"Likelihood"} == set(likelihoods.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented(LIKELIHOODS) == []
