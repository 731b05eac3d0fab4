from __future__ import annotations

import pytest
import torch

from lvm_experiments.data import Data, Split
from lvm_experiments.data.check import check, fault
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec

GOOD = {
    "binary": (DataSpec("binary", (2,), levels=2), torch.tensor([[0, 1]], dtype=torch.uint8)),
    "bytes": (DataSpec("bytes", (2,), levels=17), torch.tensor([[0, 16]], dtype=torch.uint8)),
    "unit": (DataSpec("unit", (2,)), torch.tensor([[0.0, 1.0]])),
    "real": (DataSpec("real", (2,)), torch.tensor([[-9.0, 9.0]])),
    "counts": (DataSpec("counts", (2,)), torch.tensor([[0, 999]], dtype=torch.int16)),
    "mixed": (DataSpec("mixed", (2,), columns=("positive", "categorical(3)")), torch.tensor([[0.1, 2.0]])),
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
        ("counts", torch.tensor([[0, -1]]), "values from -1 to 0 where counts"),
        ("counts", torch.tensor([[0.0, 1.5]]), "where counts are whole"),
        ("mixed", torch.tensor([[0.0, 1.0]]), "values from 0 to 0 in column 0, said to be positive,"),
        ("mixed", torch.tensor([[1.0, 3.0]]), "values from 3 to 3 in column 1, said to be categorical"),
        ("mixed", torch.tensor([[1.0, torch.nan]]), "NaN or infinite"),
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


STRANGE = {
    "tokens": (DataSpec("tokens", (2,), levels=5), torch.tensor([[0.0, 5.0]]), "tokens are integers from 0 to 4"),
    "counts": (DataSpec("counts", (2,)), torch.tensor([[-1.0, 5.0]]), "from -1 to 5 where counts are whole numbers"),
    "half a count": (DataSpec("counts", (2,)), torch.tensor([[0.5, 5.0]]), "counts are whole numbers from 0"),
    "unit": (DataSpec("unit", (2,)), torch.tensor([[-0.5, 1.0]]), "unit data lie between 0 and 1"),
    "infinite": (DataSpec("real", (2,)), torch.tensor([[torch.inf, 1.0]]), "NaN or infinite"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_fault_is_told_unless_it_is_masked(case: str) -> None:
    spec, x, said = STRANGE[case]
    assert said in fault(x, spec)
    assert fault(x, spec, torch.tensor([[case == "tokens", case != "tokens"]])) == ""  # what is seen is right
    assert fault(x, spec, torch.tensor([[False, False]])) == ""
    assert said in fault(x, spec, torch.tensor([[True, True]]))


def test_whole_numbers_may_be_floating_ones() -> None:
    assert fault(torch.tensor([[0.0, 16.0]]), DataSpec("bytes", (2,), levels=17)) == ""
    assert fault(torch.tensor([[True, False]]), DataSpec("binary", (2,), levels=2)) == ""


def test_steps_past_the_end_of_a_sequence_may_hold_anything() -> None:
    spec = DataSpec("tokens", (3,), levels=5)
    x = torch.tensor([[0.0, 4.0, 9.0]])
    check(data(spec, Split(x, lengths=torch.tensor([2])), x[:, :1].expand(1, 3)))
    with pytest.raises(RequestError, match="tokens are integers from 0 to 4"):
        check(data(spec, Split(x, lengths=torch.tensor([3])), x[:, :1].expand(1, 3)))


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
    check(data(spec, Split(good, torch.tensor([-1])), good))  # not known
    with pytest.raises(RequestError, match="labels from -2 to -2 where 3 classes"):
        check(data(spec, Split(good, torch.tensor([-2])), good))
    with pytest.raises(RequestError, match="labels from 3 to 3 where 3 classes"):
        check(data(spec, Split(good, torch.tensor([3])), good))
    with pytest.raises(RequestError, match="2 labels for 1 examples"):
        check(data(spec, Split(good, torch.tensor([0, 0])), good))


def test_an_unknown_split_names_the_nearest() -> None:
    spec, good = GOOD["real"]
    with pytest.raises(RequestError, match="did you mean val"):
        data(spec, Split(good), good).split("vall")
