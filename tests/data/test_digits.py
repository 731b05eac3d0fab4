from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits

from lvm_experiments.data import Digits, Split
from lvm_experiments.errors import RequestError


def test_they_are_those_of_scikit_learn_each_once() -> None:
    data = Digits().load()
    parts = [data.train, data.val, data.test]
    assert all(isinstance(part, Split) for part in parts)
    x = torch.cat([part.x for part in parts if isinstance(part, Split)])
    assert x.shape == (1797, 1, 8, 8)
    assert x.dtype == torch.uint8
    mine = sorted(bytes(row) for row in x.flatten(1).numpy())
    theirs = sorted(bytes(row.astype("uint8")) for row in load_digits().data)
    assert mine == theirs


def test_classes_are_spread_evenly() -> None:
    data = Digits(limit=100).load()
    for split in (data.train, data.val, data.test):
        assert isinstance(split, Split)
        assert split.label is not None
        counts = torch.bincount(split.label, minlength=10)
        assert counts.max() - counts.min() <= 0.03 * len(split) + 2


def test_images_keep_their_labels_and_the_split_its_place() -> None:
    digits = load_digits()
    known = {bytes(row.astype("uint8")): int(y) for row, y in zip(digits.data, digits.target, strict=True)}
    first, second = Digits().load(), Digits().load()
    for a, b in ((first.train, second.train), (first.val, second.val), (first.test, second.test)):
        assert isinstance(a, Split)
        assert isinstance(b, Split)
        assert a.label is not None
        assert torch.equal(a.x, b.x)
        for row, label in zip(a.x.flatten(1).numpy(), a.label.tolist(), strict=True):
            assert known[bytes(row)] == label


def test_the_spec() -> None:
    data = Digits().load()
    spec = data.spec
    assert (spec.space, spec.shape, spec.levels, spec.classes) == ("bytes", (1, 8, 8), 17, 10)
    assert spec.size == len(data.train) == 1257
    assert spec.mean is not None
    assert spec.std is not None
    assert spec.mean.mean().item() == pytest.approx(4.884, abs=0.05)
    assert spec.mean.shape == spec.std.shape == (1, 8, 8)


@pytest.mark.parametrize(("validation", "test"), [(1437, 360), (1, 1796), (180, 1797)])
def test_sizes_out_of_range_are_refused(validation: int, test: int) -> None:
    with pytest.raises(RequestError, match="cannot be cut from"):
        Digits(validation=validation, test=test).load()
