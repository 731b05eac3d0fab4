from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lvm_experiments.data import Data, Npz, Split
from lvm_experiments.errors import RequestError

TABLE = np.random.default_rng(0).normal(size=(50, 3))


def load(tmp_path: Path, arrays: dict[str, np.ndarray], **arguments: Any) -> Data:
    file = tmp_path / "mine.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    before = sorted(tmp_path.iterdir())
    data = Npz(path=str(file), **arguments).load()
    assert sorted(tmp_path.iterdir()) == before
    return data


def xs(data: Data) -> list[torch.Tensor]:
    parts = [data.train, data.val, data.test]
    return [part.x for part in parts if isinstance(part, Split)]


def test_three_splits_are_taken_as_they_are(tmp_path: Path) -> None:
    data = load(tmp_path, {"train": TABLE[:30], "val": TABLE[30:40], "test": TABLE[40:]})
    assert torch.equal(torch.cat(xs(data)), torch.from_numpy(TABLE.astype(np.float32)))
    assert (data.spec.space, data.spec.shape, data.spec.classes) == ("real", (3,), 0)
    assert data.spec.size == 30
    assert data.spec.std is not None
    np.testing.assert_allclose(data.spec.std.numpy(), TABLE[:30].std(0), rtol=1e-5)


def test_x_is_split_with_its_labels_by_a_seed(tmp_path: Path) -> None:
    x, labels = np.arange(50.0)[:, None], np.arange(50) % 5 + 3
    for seed, name in ((0, "labels"), (1, "x_labels")):
        data = load(tmp_path, {"x": x, name: labels}, validation=7, test=0.2, split_seed=seed)
        assert (len(data.train), len(data.val), len(data.test)) == (33, 7, 10)
        assert data.spec.classes == 5
        assert sorted(torch.cat(xs(data)).flatten().tolist()) == list(range(50))
        for split in (data.train, data.val, data.test):
            assert isinstance(split, Split)
            assert split.label is not None
            assert torch.equal(split.label, split.x.flatten().long() % 5)
    first = load(tmp_path, {"x": x})
    assert not torch.equal(xs(first)[2], xs(load(tmp_path, {"x": x}, split_seed=1))[2])
    assert torch.equal(xs(first)[2], xs(load(tmp_path, {"x": x}))[2])


def test_words_are_numbered_over_all_splits(tmp_path: Path) -> None:
    data = load(
        tmp_path,
        {
            "train": TABLE[:3],
            "train_labels": np.array(["pear", "apple", "pear"]),
            "val": TABLE[:1],
            "val_labels": np.array(["fig"]),
            "test": TABLE[:1],
            "test_labels": np.array(["apple"]),
        },
    )
    found = [split.label for split in (data.train, data.val, data.test) if isinstance(split, Split)]
    assert [label.tolist() for label in found if label is not None] == [[2, 0, 2], [1], [0]]
    assert data.spec.classes == 3


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((9, 6), (6,)),
        ((9, 6, 5), (1, 6, 5)),
        ((9, 3, 6, 5), (3, 6, 5)),
        ((9, 6, 5, 3), (3, 6, 5)),
        ((9, 2, 6, 5), (2, 6, 5)),
    ],
)
def test_images_have_their_channels_first(shape: tuple[int, ...], expected: tuple[int, ...], tmp_path: Path) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    data = load(tmp_path, {"train": x, "val": x, "test": x})
    assert data.spec.shape == expected
    assert (data.spec.space, data.spec.levels) == ("bytes", 256)
    if shape[-1] == 3:
        assert torch.equal(xs(data)[0], torch.from_numpy(x).permute(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"train": TABLE, "valid": TABLE}, "'valid'; did you mean val"),
        ({"y": TABLE}, "neither x nor train"),
        ({"x": TABLE, "train": TABLE}, "both x and train"),
        ({"x": TABLE, "test": TABLE}, "x beside val or test"),
        ({"x": TABLE, "train_labels": np.arange(50)}, "train_labels without train"),
        ({"x": TABLE, "labels": np.arange(49)}, r"labels of shape \(49,\)"),
        ({"x": TABLE, "x_labels": np.arange(49)}, r"labels of shape \(49,\)"),
        ({"x": TABLE, "x_labels": np.arange(50), "labels": np.arange(50)}, "both labels and x_labels"),
        ({"x": TABLE, "labels": np.linspace(0, 1, 50)}, "not integers or words"),
        ({"train": TABLE, "train_labels": np.arange(50), "val": TABLE}, "for some splits only"),
        ({"train": TABLE, "val": TABLE[:, :2]}, r"shape \(2,\) where \(3,\)"),
        ({"x": np.where(TABLE > 1, np.nan, TABLE)}, "x holds NaN"),
        ({"x": TABLE[:, 0]}, r"has 1 axis; .* as x\[:, None\] has$"),
        ({"x": np.array([{}, []], dtype=object)}, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_line(arrays: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        load(tmp_path, arrays)
    assert "\n" not in str(caught.value)


def test_other_arrays_are_left_alone(tmp_path: Path) -> None:
    data = load(tmp_path, {"x": TABLE, "comment": np.array(["measured on Monday"])})
    assert data.spec.size == 40


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    array = np.empty(1, dtype=object)
    array[0] = Trap(trap)
    pickle.loads(pickle.dumps(array))
    assert trap.exists()  # the trap works
    trap.unlink()
    with pytest.raises(RequestError, match="cannot be read"):
        load(tmp_path, {"x": array})
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"text"])
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    file.write_bytes(content)
    with pytest.raises(RequestError, match="cannot be read"):
        Npz(path=str(file)).load()


def test_a_file_has_to_be_given_and_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"give data.path=FILE.npz"):
        Npz().load()
    with pytest.raises(RequestError, match=r"there is no"):
        Npz(path=str(tmp_path / "other.npz")).load()
    np.save(tmp_path / "bare.npy", TABLE)
    with pytest.raises(RequestError, match="not an archive of named arrays"):
        Npz(path=str(tmp_path / "bare.npy")).load()


def test_too_large_a_share_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"data.validation: 46 examples cannot be cut from 45"):
        load(tmp_path, {"x": TABLE}, validation=46)
    with pytest.raises(RequestError, match=r"data.test: 0 examples"):
        load(tmp_path, {"x": TABLE}, test=0.001)
