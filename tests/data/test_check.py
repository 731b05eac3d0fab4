from __future__ import annotations

import pytest
import torch

from lvm_experiments.data import Data, Split
from lvm_experiments.data.check import check
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec

GOOD = {
    "binary": (DataSpec("binary", (2,), levels=2), torch.tensor([[0, 1]], dtype=torch.uint8)),
    "bytes": (DataSpec("bytes", (2,), levels=17), torch.tensor([[0, 16]], dtype=torch.uint8)),
    "unit": (DataSpec("unit", (2,)), torch.tensor([[0.0, 1.0]])),
    "real": (DataSpec("real", (2,)), torch.tensor([[-9.0, 9.0]])),
}


def data(spec: DataSpec, val: Split, good: torch.Tensor) -> Data:
    return Data("mine", spec, Split(good), val, Split(good))


@pytest.mark.parametrize("space", GOOD)
def test_data_in_their_space_pass(space: str) -> None:
    spec, good = GOOD[space]
    check(data(spec, Split(good), good))


@pytest.mark.parametrize(
    ("space", "bad", "said"),
    [
        ("binary", torch.tensor([[0, 2]]), "values from 0 to 2 where binary"),
        ("binary", torch.tensor([[0.0, 0.5]]), "values from 0 to 0.5 where binary"),
        ("bytes", torch.tensor([[0, 17]]), "17 levels are integers from 0 to 16"),
        ("bytes", torch.tensor([[0.0, 1.0]]), "17 levels are integers"),
        ("unit", torch.tensor([[0.0, 1.1]]), "values from 0 to 1.1 where unit"),
        ("real", torch.tensor([[0.0, torch.nan]]), "NaN or infinite"),
        ("real", torch.tensor([[0.0, torch.inf]]), "NaN or infinite"),
        ("real", torch.zeros(3, 3), r"shape \(3,\) where \(2,\)"),
        ("real", torch.zeros(0, 2), "no examples"),
    ],
)
def test_others_are_refused_in_one_line(space: str, bad: torch.Tensor, said: str) -> None:
    spec, good = GOOD[space]
    with pytest.raises(RequestError, match=said) as caught:
        check(data(spec, Split(bad), good))
    assert str(caught.value).startswith("data (mine): ")
    assert "val split" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_cell_may_hold_anything() -> None:
    spec, good = GOOD["real"]
    x = torch.tensor([[1.0, torch.nan]])
    check(data(spec, Split(x, mask=torch.tensor([[True, False]])), good))
    with pytest.raises(RequestError, match="NaN"):
        check(data(spec, Split(x, mask=torch.tensor([[True, True]])), good))


def test_labels_are_counted_and_in_range() -> None:
    spec, good = GOOD["real"]
    spec = spec.replace(classes=3)
    check(data(spec, Split(good, torch.tensor([2])), good))
    with pytest.raises(RequestError, match="labels from 3 to 3 where 3 classes"):
        check(data(spec, Split(good, torch.tensor([3])), good))
    with pytest.raises(RequestError, match="2 labels for 1 examples"):
        check(data(spec, Split(good, torch.tensor([0, 0])), good))


def test_an_unknown_split_names_the_nearest() -> None:
    spec, good = GOOD["real"]
    with pytest.raises(RequestError, match="did you mean val"):
        data(spec, Split(good), good).split("vall")
