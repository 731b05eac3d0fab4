"""The data sets that are read from converted files, in small copies of their layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from lvm_experiments.data import (
    BinarizedMnist,
    Caltech101Silhouettes,
    DataSet,
    FreyFaces,
    Omniglot28,
    Split,
)
from lvm_experiments.errors import RequestError

Listing = Callable[[Path], dict[str, tuple[int, int]]]
RANDOM = np.random.default_rng(0)
BITS = RANDOM.integers(0, 2, (20, 28, 28), dtype=np.uint8)
BYTES = RANDOM.integers(0, 256, (20, 28, 28), dtype=np.uint8)
FACES = RANDOM.integers(0, 256, (20, 28, 20), dtype=np.uint8)


def binarized_mnist(root: Path) -> None:
    parts = {"train": BITS[:10], "valid": BITS[10:14], "test": BITS[14:]}
    packed = {f"{k}_packed": np.packbits(x.reshape(-1, 784), axis=1) for k, x in parts.items()}
    (root / "binarized_mnist").mkdir()
    np.savez(root / "binarized_mnist" / "binarized_mnist.npz", **packed)  # type: ignore[arg-type]


def omniglot28(root: Path) -> None:
    (root / "omniglot").mkdir()
    np.savez(
        root / "omniglot" / "omniglot28.npz",
        images=BYTES,
        char=np.arange(20, dtype=np.int16) // 2,
        drawer=np.zeros(20, dtype=np.int8),
        train_idx=np.arange(0, 14, dtype=np.int32),
        test_idx=np.arange(14, 20, dtype=np.int32),
    )


def caltech(root: Path) -> None:
    folder = root / "caltech101_silhouettes"
    folder.mkdir()
    x = 1 - BITS.transpose(0, 2, 1).reshape(20, 784)
    y = (np.arange(20, dtype=np.uint8) % 4 + 1)[None]
    scipy.io.savemat(folder / "caltech101_silhouettes_28.mat", {"X": x, "Y": y})
    rows = {"train": np.arange(1, 11), "val": np.arange(11, 15), "test": np.arange(15, 20)}
    np.savez(folder / "split_seed0.npz", **rows)  # type: ignore[arg-type]


def frey_faces(root: Path) -> None:
    (root / "freyfaces").mkdir()
    np.savez(root / "freyfaces" / "freyfaces.npz", images=FACES)


SETS: dict[str, tuple[Callable[[Path], None], Callable[[str], DataSet], str]] = {
    "binarized_mnist": (
        binarized_mnist,
        BinarizedMnist,
        "binarized_mnist_{train,valid,test}.amat",
    ),
    "omniglot28": (omniglot28, lambda path: Omniglot28(path, validation=4), "chardata.mat"),
    "caltech101_silhouettes": (
        caltech,
        Caltech101Silhouettes,
        "caltech101_silhouettes_28.mat",
    ),
    "frey_faces": (
        frey_faces,
        lambda path: FreyFaces(path, validation=4, test=5),
        "freyfaces.pkl or frey_rawface.mat",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_a_given_folder_is_only_read(name: str, tmp_path: Path, listing: Listing) -> None:
    write, create, _ = SETS[name]
    write(tmp_path)
    before = listing(tmp_path)
    data = create(str(tmp_path)).load()
    assert listing(tmp_path) == before
    assert data.name == name
    assert data.spec.mean is not None
    assert data.spec.mean.shape == data.spec.shape


@pytest.mark.parametrize("name", SETS)
def test_a_missing_file_says_what_to_get_and_which_command_converts_it(name: str, tmp_path: Path) -> None:
    _, create, original = SETS[name]
    with pytest.raises(RequestError) as caught:
        create(str(tmp_path)).load()
    said = str(caught.value)
    assert said.startswith(f"data.path: there is no {tmp_path}/")
    assert f"get {original}" in said
    assert f"and run: python -m lvm_experiments.convert {name} " in said
    assert said.endswith(str(tmp_path))  # where the command is to write
    assert "http" not in said


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_file_is_one_line(name: str, damage: str, tmp_path: Path) -> None:
    write, create, _ = SETS[name]
    write(tmp_path)
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        good = file.read_bytes()
        bad = {"truncated": good[: len(good) // 2], "empty": b"", "text": b"not found " * 50}
        file.write_bytes(bad[damage])
        with pytest.raises(RequestError, match="cannot be read") as caught:
            create(str(tmp_path)).load()
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)
        file.write_bytes(good)


def splits(data: Any) -> list[Split]:
    return [data.train, data.val, data.test]


def test_binarized_mnist_is_unpacked_in_order(tmp_path: Path) -> None:
    binarized_mnist(tmp_path)
    data = BinarizedMnist(str(tmp_path)).load()
    assert (data.spec.space, data.spec.shape, data.spec.levels) == ("binary", (1, 28, 28), 2)
    assert torch.equal(torch.cat([s.x for s in splits(data)])[:, 0], torch.from_numpy(BITS))
    assert [len(s) for s in splits(data)] == [10, 4, 6]


def test_omniglot_validation_is_cut_from_the_shuffled_training_images(tmp_path: Path) -> None:
    omniglot28(tmp_path)
    data = Omniglot28(str(tmp_path), validation=4).load()
    train, val, test = splits(data)
    assert (data.spec.space, data.spec.levels, data.spec.classes) == ("bytes", 256, 10)
    assert torch.equal(test.x[:, 0], torch.from_numpy(BYTES[14:]))
    assert [len(s) for s in splits(data)] == [10, 4, 6]
    rows = {bytes(x): i for i, x in enumerate(BYTES)}
    drawn = [rows[bytes(x)] for s in (train, val) for x in s.x[:, 0].numpy()]
    assert sorted(drawn) == list(range(14))
    assert drawn != sorted(drawn)
    assert train.label is not None
    assert val.label is not None
    assert [*train.label.tolist(), *val.label.tolist()] == [row // 2 for row in drawn]


def test_silhouettes_are_turned_and_the_object_is_one(tmp_path: Path) -> None:
    caltech(tmp_path)
    data = Caltech101Silhouettes(str(tmp_path)).load()
    assert (data.spec.space, data.spec.shape, data.spec.classes) == ("binary", (1, 28, 28), 4)
    x = torch.cat([s.x for s in splits(data)])[:, 0]
    assert torch.equal(x, torch.from_numpy(BITS[1:]))
    label = torch.cat([s.label for s in splits(data) if s.label is not None])
    assert label.tolist() == [row % 4 for row in range(1, 20)]


def test_silhouettes_of_another_split_are_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean split1"):
        Caltech101Silhouettes(split="split_1")
    caltech(tmp_path)
    with pytest.raises(RequestError, match=r"get caltech101_silhouettes_28_split1.mat"):
        Caltech101Silhouettes(str(tmp_path), split="split1").load()


def test_frey_faces_are_shuffled_once_and_for_all(tmp_path: Path) -> None:
    frey_faces(tmp_path)
    first, second = (FreyFaces(str(tmp_path), validation=4, test=5).load() for _ in range(2))
    assert [len(s) for s in splits(first)] == [11, 4, 5]
    assert first.spec.shape == (1, 28, 20)
    x = torch.cat([s.x for s in splits(first)])[:, 0]
    assert sorted(map(bytes, x.numpy())) == sorted(map(bytes, FACES))
    assert not torch.equal(x, torch.from_numpy(FACES))
    assert torch.equal(x, torch.cat([s.x for s in splits(second)])[:, 0])
    with pytest.raises(RequestError, match=r"data.validation: 15 examples"):
        FreyFaces(str(tmp_path), validation=15, test=5).load()


def test_row_numbers_beyond_the_images_are_refused(tmp_path: Path) -> None:
    caltech(tmp_path)
    file = tmp_path / "caltech101_silhouettes" / "split_seed0.npz"
    np.savez(file, train=np.array([0, 20]), val=np.array([1]), test=np.array([2]))
    with pytest.raises(RequestError, match="train names rows that are not there"):
        Caltech101Silhouettes(str(tmp_path)).load()


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    frey_faces(tmp_path)
    file = tmp_path / "freyfaces" / "freyfaces.npz"
    np.savez(file, images=np.array([{}, []], dtype=object))
    with pytest.raises(RequestError, match="cannot be read"):
        FreyFaces(str(tmp_path)).load()
