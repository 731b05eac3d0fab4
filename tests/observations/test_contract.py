"""Every observation map of the package, found by walking it, keeps the contract that users' own are held to."""

from __future__ import annotations

import pytest
import torch

from lvm_experiments import observations
from lvm_experiments.errors import RequestError
from lvm_experiments.observations import ObservationMap
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import check_observation_map
from tests.support.members import members, undocumented

MAPS = members("lvm_experiments.observations", ObservationMap)
SHAPE = (1, 4, 4)
SUMMARY = {"mean": torch.full(SHAPE, 0.4), "std": torch.full(SHAPE, 0.3)}
SOURCES = [
    DataSpec("binary", SHAPE, levels=2, **SUMMARY),
    DataSpec("bytes", SHAPE, levels=17, **SUMMARY),
    DataSpec("bytes", SHAPE, levels=256, **SUMMARY),
    DataSpec("unit", SHAPE, **SUMMARY),
    DataSpec("real", SHAPE, **SUMMARY),
    DataSpec("real", (5,), mean=torch.randn(5), std=torch.rand(5) + 0.5),
    DataSpec("counts", (5,), mean=torch.rand(5), std=torch.rand(5) + 0.5),
    DataSpec("mixed", (5,), columns=("real", "categorical(3)", "counts", "positive", "binary")),
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{s.space}-{s.levels}-{len(s.shape)}")
@pytest.mark.parametrize("kind", MAPS, ids=lambda k: k.__name__)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_contract(
    kind: type[ObservationMap],
    source: DataSpec,
    dtype: torch.dtype,
    request: pytest.FixtureRequest,
) -> None:
    """Or a refusal that says what the map takes: real data are neither binary nor in the unit interval, say."""
    if dtype == torch.float64:
        request.getfixturevalue("float64")
    keeps = {"real": ("Identity", "ToReal"), "counts": ("Identity",), "mixed": ("Identity",)}
    if kind.__name__ not in keeps.get(source.space, (kind.__name__,)):
        with pytest.raises(RequestError, match=rf"{source.space} data cannot be mapped to .*; .*choose a") as refusal:
            kind(source)
        assert "\n" not in str(refusal.value)
        named = str(refusal.value).rpartition("model/likelihood=")[2].split("|")
        assert {"real": "gaussian", "counts": "poisson", "mixed": "heterogeneous"}[source.space] in named
        assert "bernoulli" not in named
        return
    check_observation_map(kind, source)


def test_the_catalogue_lists_what_is_there() -> None:
    names = {kind.__name__ for kind in MAPS}
    assert names | {"ObservationMap", "fits", "observe"} >= set(observations.__all__)


def test_every_one_has_an_example_that_runs() -> None:
    assert undocumented(MAPS) == []
