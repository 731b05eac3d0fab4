from __future__ import annotations

import json

import pytest
import torch

from lvm_experiments.spec import DataSpec


def full() -> DataSpec:
    return DataSpec(
        "bytes",
        (1, 2, 3),
        levels=17,
        classes=10,
        size=1347,
        mean=torch.rand(1, 2, 3) / 3,
        std=torch.rand(1, 2, 3),
        columns=("a", "b"),
    )


def test_a_file_gives_back_the_same_description_to_the_bit() -> None:
    spec = full()
    back = DataSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert back == spec
    assert back.mean is not None
    assert back.std is not None
    assert torch.equal(back.mean, spec.mean)
    assert torch.equal(back.std, spec.std)


def test_descriptions_with_tensors_can_be_compared() -> None:
    spec = full()
    assert spec == spec.replace()
    assert spec.mean is not None
    assert spec != spec.replace(mean=spec.mean + 1e-6)
    assert spec != spec.replace(mean=None)
    assert spec != spec.replace(levels=16)
    assert hash(spec) == hash(spec.replace())
    assert spec != "bytes"


def test_dims_count_channels() -> None:
    assert DataSpec("bytes", (3, 32, 32), levels=256).dims == 3072


@pytest.mark.parametrize("levels", [2, 17, 256])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32, torch.float64])
def test_bytes_are_embedded_between_minus_one_and_one_symmetrically(levels: int, dtype: torch.dtype) -> None:
    spec = DataSpec("bytes", (levels,), levels=levels)
    y = spec.embed(torch.arange(levels).to(dtype)[None])
    assert y.dtype == (dtype if dtype.is_floating_point else torch.float32)
    assert torch.allclose(y, -y.flip(1), atol=1e-6)
    assert y.abs().max() < 1
    assert torch.allclose(y.diff(), torch.full((1, levels - 1), 2 / levels, dtype=y.dtype), atol=1e-6)


@pytest.mark.usefixtures("float64")
def test_integers_are_embedded_in_the_type_models_are_built_of() -> None:
    x = torch.tensor([[3]], dtype=torch.uint8)
    assert DataSpec("bytes", (1,), levels=17).embed(x).dtype == torch.float64
    assert DataSpec("counts", (1,)).embed(x).dtype == torch.float64


@pytest.mark.parametrize("space", ["binary", "bytes", "unit", "real"])
def test_the_training_mean_is_embedded_as_zero(space: str) -> None:
    mean = torch.rand(1, 2, 3)
    spec = DataSpec(space, (1, 2, 3), levels=17, mean=mean, std=torch.ones(1, 2, 3))
    assert spec.embed(mean[None]).abs().max() < 1e-6
    # What is known of the data does not depend on what was embedded before.
    assert spec.embed(mean[None].double()).dtype == torch.float64
    assert spec == spec.replace()


def test_columns_of_a_table_are_embedded_in_units_of_their_deviation() -> None:
    mean, std = torch.tensor([100.0, 0.0, 3.0]), torch.tensor([50.0, 1e-3, 0.0])
    spec = DataSpec("real", (3,), mean=mean, std=std)
    x = torch.stack([mean, mean + std, mean - std])
    assert torch.allclose(spec.embed(x), torch.tensor([[0.0, 0, 0], [1, 1, 0], [-1, -1, 0]]))


def test_other_spaces_are_embedded_as_they_are() -> None:
    x = torch.rand(2, 3)
    assert DataSpec("unit", (3,)).embed(x) is x


def test_tokens_are_embedded_by_networks() -> None:
    spec = DataSpec("tokens", (5,), levels=9, mean=torch.full((5,), 4.0))
    x = torch.randint(0, 9, (3, 5)).float()
    assert torch.equal(spec.embed(x), x)


def test_counts_are_embedded_by_their_logarithm() -> None:
    spec = DataSpec("counts", (2,), mean=torch.tensor([3.0, 0.0]))
    expected = torch.log1p(torch.tensor([7.0, 2.0])) - torch.log1p(torch.tensor([3.0, 0.0]))
    assert torch.allclose(spec.embed(torch.tensor([[7.0, 2.0]])), expected)


MIXED = DataSpec(
    "mixed",
    (5,),
    mean=torch.tensor([2.0, 3.0, 0.25, 1.5, 4.0]),
    std=torch.tensor([0.5, 1.0, 0.4, 1.0, 2.0]),
    columns=("real", "positive", "binary", "categorical(4)", "counts"),
)


def test_columns_of_a_table_are_embedded_each_in_its_way() -> None:
    x = torch.tensor([[3.0, 5.0, 1.0, 2.0, 6.0]])
    log = torch.log1p
    numbers = [2.0, log(torch.tensor(5.0)) - log(torch.tensor(3.0)), 0.75 / 0.4]
    expected = torch.tensor([[*numbers, 0.0, 0.0, 1.0, 0.0, log(torch.tensor(6.0)) - log(torch.tensor(4.0))]])
    assert MIXED.embedded_shape == (8,)
    assert torch.allclose(MIXED.embed(x), expected)


def test_a_missing_cell_is_embedded_as_zero_whatever_stands_in_it() -> None:
    seen = torch.tensor([[True, False, True, False, False]])
    one = MIXED.embed(torch.tensor([[3.0, 5.0, 1.0, 2.0, 6.0]]), seen)
    for filler in (1e6, float("nan"), -7.0):
        x = torch.where(seen, torch.tensor([[3.0, 5.0, 1.0, 2.0, 6.0]]), torch.tensor(filler))
        assert torch.equal(MIXED.embed(x, seen), one)
    assert one[0, [1, 3, 4, 5, 6, 7]].abs().sum() == 0
    assert (one[0, [0, 2]] != 0).all()
