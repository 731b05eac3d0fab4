"""Every likelihood of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments import likelihoods
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.likelihoods.autoregressive_pixels import AutoregressivePixelsLikelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_likelihood
from tests.support.members import buildable, members, undocumented

LIKELIHOODS = members("lvm_experiments.likelihoods", Likelihood)
SHAPES = [(5,), (1, 3, 4), (3, 2, 2)]
LEVELS = {"binary": [2], "bytes": [2, 17, 256], "tokens": [4]}
TABLES = ("counts", "mixed", "tokens")  # no image is one
IMAGES = AutoregressivePixelsLikelihood  # takes nothing else
CASES = [
    (kind, shape)
    for kind in LIKELIHOODS
    for shape in (SHAPES[:1] if kind.space in TABLES else SHAPES[1:] if issubclass(kind, IMAGES) else SHAPES)
]
COLUMNS = ("real", "categorical(3)", "counts", "positive", "binary")


def spec_of(kind: type[Likelihood], shape: tuple[int, ...], levels: int = 0) -> DataSpec:
    columns = COLUMNS if kind.space == "mixed" else ()
    return DataSpec(kind.space, shape, levels=levels, columns=columns)


@pytest.mark.parametrize(
    ("kind", "shape", "dtype"),
    [(*case, torch.float32) for case in CASES] + [(*case, torch.float64) for case in dict(reversed(CASES)).items()],
    ids=lambda c: getattr(c, "__name__", str(c)),
)
def test_contract(
    kind: type[Likelihood], shape: tuple[int, ...], dtype: torch.dtype, request: pytest.FixtureRequest
) -> None:
    """In double precision on the first shape only."""
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    for levels in LEVELS.get(kind.space, [0]):
        check_likelihood(buildable(kind, given=1), spec_of(kind, shape, levels))


OF_IMAGES = [kind for kind in LIKELIHOODS if kind.space != "mixed" and kind.mask in ("cells", "pixels")]


@pytest.mark.parametrize("kind", OF_IMAGES, ids=lambda k: k.__name__)
def test_a_mask_broadcasts_over_channels(kind: type[Likelihood]) -> None:
    """Whole pixels are missing: the mask has one channel, x three."""
    part = buildable(kind, given=1)(DataSpec(kind.space, (3, 2, 2), levels=4))
    raw = torch.randn(2, 5, *part.parameter_shape)
    x = part(raw).sample()[0]
    mask = torch.rand(5, 1, 2, 2) < 0.5
    narrow, wide = part(raw).log_prob(x, mask), part(raw).log_prob(x, mask.expand(5, 3, 2, 2))
    assert torch.equal(narrow, wide)
    part.check(torch.where(mask, x, torch.nan), mask.expand_as(x))


def test_the_catalogue_lists_what_is_there() -> None:
    assert {kind.__name__ for kind in LIKELIHOODS} | {"Likelihood"} >= set(likelihoods.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented(LIKELIHOODS) == []
