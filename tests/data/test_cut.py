from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lvm_experiments.data import Split
from lvm_experiments.data.cut import complete, cut, seeded_permutation, share
from lvm_experiments.errors import RequestError


def split(size: int) -> Split:
    return Split(torch.arange(size))


@pytest.mark.parametrize("last", [0, -1, 5, 6])
def test_a_cut_out_of_range_is_one_line(last: int) -> None:
    with pytest.raises(RequestError) as caught:
        cut(split(5), last, where="data.validation")
    expected = f"data.validation: {last} examples cannot be cut from 5; give a number from 1 to 4"
    assert str(caught.value) == expected


def test_the_permutation_never_changes() -> None:
    assert seeded_permutation(8, seed=0).tolist() == [6, 2, 1, 7, 3, 0, 5, 4]


@given(size=st.integers(10, 200), seed=st.integers(0, 99))
def test_completing_partitions_the_examples(size: int, seed: int) -> None:
    parts = complete(split(size), None, None, validation=0.2, testing=3, seed=seed)
    train, val, test = (part.x.tolist() for part in parts)
    assert sorted(train + val + test) == list(range(size))
    assert (len(test), len(val)) == (3, round(0.2 * size))  # shares are of all


def test_splits_that_are_there_stay_as_they_are() -> None:
    train, val, test = complete(split(10), split(4), split(3), validation=0.5, testing=0.5, seed=0)
    assert [part.x.tolist() for part in (train, val, test)] == [
        list(range(10)),
        list(range(4)),
        list(range(3)),
    ]


def test_a_missing_validation_split_is_cut_from_training_alone() -> None:
    train, val, test = complete(split(10), None, split(3), validation=4, testing=0.5, seed=0)
    assert sorted(train.x.tolist() + val.x.tolist()) == list(range(10))
    assert (len(val), len(test)) == (4, 3)


def test_a_count_is_whole() -> None:
    with pytest.raises(RequestError, match="neither a share nor a count"):
        share(1.5, 10, where="data.test")
