"""CIFAR-10 and SVHN in their published layouts, small, with the sums torchvision asks for changed."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
import torchvision

from lvm_experiments.data import Cifar10, Split, Svhn
from lvm_experiments.data.download import torchvision_set
from lvm_experiments.errors import RequestError

Listing = Callable[[Path], dict[str, tuple[int, int]]]


def sum_of(file: Path) -> str:
    return md5(file.read_bytes()).hexdigest()


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    random = np.random.default_rng(0)
    sums = {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        cells = random.integers(0, 256, (4, 3072), dtype=np.uint8)
        content = {"data": cells, "labels": [0, 1, 2, 9]}
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = sum_of(folder / name)
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [[n, s] for n, s in sums.items() if "data" in n])
    monkeypatch.setattr(kind, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {**kind.meta, "md5": sum_of(folder / "batches.meta")}
    monkeypatch.setattr(kind, "meta", meta)
    return tmp_path


@pytest.fixture
def svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "SVHN"
    folder.mkdir()
    random = np.random.default_rng(0)
    known = dict(torchvision.datasets.SVHN.split_list)
    for split, count in (("train", 12), ("test", 5)):
        file = folder / f"{split}_32x32.mat"
        x = random.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        y = (np.arange(count) % 10 + 1)[:, None].astype(np.uint8)  # 10 stands for 0
        scipy.io.savemat(file, {"X": x, "y": y})
        known[split] = [known[split][0], file.name, sum_of(file)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", known)
    return tmp_path


def test_cifar10(cifar: Path, listing: Listing) -> None:
    before = listing(cifar)
    data = Cifar10(path=str(cifar), validation=5).load()
    assert listing(cifar) == before
    assert isinstance(data.train, Split)
    assert isinstance(data.test, Split)
    assert (len(data.train), len(data.val), len(data.test)) == (15, 5, 4)
    assert (data.spec.space, data.spec.shape, data.spec.classes) == ("bytes", (3, 32, 32), 10)
    content = pickle.loads((cifar / "cifar-10-batches-py" / "test_batch").read_bytes())
    assert torch.equal(data.test.x.flatten(1), torch.from_numpy(content["data"]))
    assert data.test.label is not None
    assert data.test.label.tolist() == [0, 1, 2, 9]


def test_svhn(svhn: Path, listing: Listing) -> None:
    before = listing(svhn)
    data = Svhn(path=str(svhn), validation=2).load()
    assert listing(svhn) == before
    assert isinstance(data.test, Split)
    assert (len(data.train), len(data.val), len(data.test)) == (10, 2, 5)
    assert (data.spec.space, data.spec.shape, data.spec.classes) == ("bytes", (3, 32, 32), 10)
    x = scipy.io.loadmat(svhn / "SVHN" / "test_32x32.mat")["X"]
    assert torch.equal(data.test.x, torch.from_numpy(x.transpose(3, 2, 0, 1).copy()))
    assert data.test.label is not None
    assert data.test.label.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", [Cifar10, Svhn])
def test_missing_files_are_one_line(kind: type[Cifar10] | type[Svhn], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is missing or corrupt") as caught:
        kind(path=str(tmp_path)).load()
    assert "; get " in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_not_unpickled(cifar: Path) -> None:
    file = cifar / "cifar-10-batches-py" / "data_batch_3"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(RequestError, match="is missing or corrupt"):
        Cifar10(path=str(cifar), validation=5).load()


def test_validation_is_in_range(cifar: Path) -> None:
    with pytest.raises(RequestError, match=r"data.validation: 20 examples cannot be cut from 20"):
        Cifar10(path=str(cifar), validation=20).load()


def test_other_classes_of_torchvision_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="none of CIFAR10"):
        torchvision_set("LSUN", tmp_path, download=False, original="it")
