"""Cells and labels that are hidden on request."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lvm_experiments.data import Data, Digits, ImageFolder, IndexLoader, Npz, Split
from lvm_experiments.data.incomplete import hide_cells, hide_labels
from lvm_experiments.errors import RequestError


def splits(data: Data) -> list[Split]:
    return [split for split in (data.train, data.val, data.test) if isinstance(split, Split)]


def test_cells_are_hidden_in_all_splits_and_stay_in_x() -> None:
    whole, data = Digits().load(), Digits(missing=0.3).load()
    for before, after in zip(splits(whole), splits(data), strict=True):
        assert torch.equal(before.x, after.x)
        assert after.mask is not None
        assert after.mask.shape == (len(after), 1, 8, 8)
        n = after.mask.numel()
        assert abs(after.mask.double().mean() - 0.7) < 5 * (0.21 / n) ** 0.5
    masks = [split.mask for split in splits(data)]
    assert not torch.equal(masks[0][:180], masks[1])  # type: ignore[index, arg-type]
    again = Digits(missing=0.3).load()
    assert all(torch.equal(a.mask, b) for a, b in zip(splits(again), masks, strict=True))  # type: ignore[arg-type]


def test_fewer_examples_miss_the_same_cells_in_any_chunks() -> None:
    x = torch.zeros(50, 3)
    few, many = hide_cells(Split(x[:20]), 0.5, seed=1), hide_cells(Split(x), 0.5, seed=1, chunk=7)
    assert torch.equal(few.mask, many.mask[:20])  # type: ignore[index, arg-type]


def test_all_channels_of_a_pixel_go_together_and_add_to_what_was_missing() -> None:
    mask = torch.ones(4, 3, 5, 5, dtype=torch.bool)
    mask[:, 0, 0] = False
    hidden = hide_cells(Split(torch.zeros(4, 3, 5, 5), mask=mask), 0.5, seed=0).mask
    assert hidden is not None
    assert not hidden[:, 0, 0].any()
    assert torch.equal(hidden[:, 1], hidden[:, 2])
    assert 0.3 < hidden[:, 1].double().mean() < 0.7


def test_the_summary_is_one_of_what_is_seen() -> None:
    data = Digits(missing=0.6).load()
    train = splits(data)[0]
    assert train.mask is not None
    assert data.spec.mean is not None
    x = torch.where(train.mask, train.x.double(), torch.nan)
    assert torch.allclose(data.spec.mean.double(), x.nanmean(0), rtol=1e-5)


def test_batches_carry_the_mask() -> None:
    train = splits(Digits(missing=0.5).load())[0]
    batch = next(iter(IndexLoader(train, 32, shuffle=True)))
    assert batch.index is not None
    assert torch.equal(batch.mask, train.mask[batch.index])  # type: ignore[index, arg-type]


def test_labels_are_kept_of_all_classes_alike() -> None:
    whole, data = Digits().load(), Digits(labelled=25).load()
    before, after = splits(whole)[0].label, splits(data)[0].label
    assert before is not None
    assert after is not None
    kept = after >= 0
    assert kept.sum() == 25
    assert torch.equal(after[kept], before[kept])
    assert set(after[kept].bincount().tolist()) == {2, 3}
    assert torch.equal(after, splits(Digits(labelled=25).load())[0].label)  # type: ignore[arg-type]
    for split, other in zip(splits(data)[1:], splits(whole)[1:], strict=True):
        assert torch.equal(split.label, other.label)  # type: ignore[arg-type]


def test_a_small_class_gives_what_it_has() -> None:
    label = torch.tensor([0] * 10 + [1] * 2 + [2] * 10)
    kept = hide_labels(Split(torch.zeros(22, 1), label), 12, classes=3).label
    assert kept is not None
    assert kept[kept >= 0].bincount().tolist() == [5, 2, 5]


def test_what_cannot_be_hidden_is_said(tmp_path: Path) -> None:
    for wrong, said in ((5, "from 10, one for each class, to 1257"), (1258, "to 1257")):
        with pytest.raises(RequestError, match=said):
            Digits(labelled=wrong).load()
    for share in (1.0, -0.1):
        with pytest.raises(RequestError, match=r"^data.missing: must be at least 0 and below 1"):
            Digits(missing=share)
    np.savez(tmp_path / "x.npz", x=np.zeros((20, 2)))
    with pytest.raises(RequestError, match=r"^data.labelled: the data have no labels"):
        Npz(path=str(tmp_path / "x.npz"), labelled=3).load()
    (tmp_path / "images").mkdir()
    for number in range(8):
        Image.new("L", (4, 4)).save(tmp_path / "images" / f"{number}.png")
    folder = str(tmp_path / "images")
    with pytest.raises(RequestError, match=r"^data.missing: image_folder is read while training"):
        ImageFolder(folder, size=4, channels=1, validation=2, test=2, missing=0.5).load()
    with pytest.raises(RequestError, match=r"^data.labelled: "):
        ImageFolder(folder, size=4, channels=1, validation=2, test=2, labelled=2).load()
