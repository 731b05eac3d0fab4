"""Facts of the real files in the folder that LVM_TEST_DATA names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lvm_experiments import data as catalogue
from lvm_experiments.data import Split

# sizes, space, shape, levels, classes, mean of the training cells
FACTS = {
    "Mnist": ((50000, 10000, 10000), "bytes", (1, 28, 28), 256, 10, 33.3951),
    "FashionMnist": ((50000, 10000, 10000), "bytes", (1, 28, 28), 256, 10, 72.8022),
    "BinarizedMnist": ((50000, 10000, 10000), "binary", (1, 28, 28), 2, 0, 0.130562),
    "Omniglot28": ((23000, 1345, 8070), "bytes", (1, 28, 28), 256, 1623, 20.5853),
    "Caltech101Silhouettes": ((4100, 2264, 2307), "binary", (1, 28, 28), 2, 101, 0.453680),
    "Newsgroups": ((10268, 1000, 7505), "counts", (2000,), 0, 20, 0.0501478),
    "MouseBladder": ((1680, 210, 210), "counts", (20670,), 0, 16, 0.104447),
    "Pbmc3k": ((227, 28, 28), "counts", (914,), 0, 0, 1.334821),
    "Smfish": ((3624, 453, 453), "counts", (33,), 0, 6, 5.674527),
    "FreyFaces": ((1565, 200, 200), "bytes", (1, 28, 20), 256, 0, 154.4988),
}


@pytest.mark.parametrize("name", FACTS)
def test_sizes_space_and_mean(name: str, data_dir: Path, listing: Callable[[Path], dict[str, tuple[int, int]]]) -> None:
    sizes, space, shape, levels, classes, mean = FACTS[name]
    before = listing(data_dir)
    data = getattr(catalogue, name)(path=str(data_dir)).load()
    assert listing(data_dir) == before
    assert (len(data.train), len(data.val), len(data.test)) == sizes
    spec = data.spec
    assert (spec.space, spec.shape, spec.levels, spec.classes) == (space, shape, levels, classes)
    assert spec.replace(size=0, mean=None, std=None) == getattr(catalogue, name).outline
    assert spec.size == sizes[0]
    assert spec.mean is not None
    assert spec.mean.double().mean().item() == pytest.approx(mean, rel=1e-5)
    assert isinstance(data.train, Split)
    assert spec.std is not None
    cells = data.train.x.flatten(1)[:, ::97].double()
    assert torch.allclose(spec.std.flatten()[::97].double(), cells.std(0, correction=0), rtol=1e-5, atol=1e-7)


def test_mnist_validation_is_the_last_ten_thousand(data_dir: Path) -> None:
    data = catalogue.Mnist(path=str(data_dir)).load()
    assert isinstance(data.train, Split)
    assert isinstance(data.val, Split)
    assert data.train.label is not None
    assert data.val.label is not None
    # The first ten labels of the file, and the last ten.
    assert data.train.label[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.val.label[-10:].tolist() == [9, 2, 9, 5, 1, 8, 3, 5, 6, 8]


def test_an_object_is_one_and_stands_upright(data_dir: Path) -> None:
    data = catalogue.Caltech101Silhouettes(path=str(data_dir)).load()
    assert isinstance(data.train, Split)
    x = data.train.x[:, 0].float()
    border = torch.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], dim=1)
    assert x[:, 10:18, 10:18].mean() > 2 * border.mean()  # objects are in the middle


def test_a_batch_costs_no_python_per_example(data_dir: Path) -> None:
    from time import perf_counter

    data = catalogue.Mnist(path=str(data_dir)).load()
    loader = catalogue.IndexLoader(data.train, 128, shuffle=True)
    times = []
    for _ in range(5):
        start = perf_counter()
        seen = sum(len(batch) for batch in loader)
        times.append((perf_counter() - start) / len(loader))
        assert seen == 50000
    assert min(times) < 500e-6  # measured: 17e-6; one call per example takes some 2e-3


# rows, columns, classes
TABLES = {
    "banknote": (1372, 4, 2),
    "breast_cancer": (569, 30, 2),
    "concrete": (1030, 8, 0),
    "wine_red": (1599, 11, 6),
    "wine_white": (4898, 11, 7),
    "yeast": (1484, 8, 10),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_their_rows_columns_and_classes(name: str, data_dir: Path) -> None:
    data = catalogue.Uci(path=str(data_dir), name=name).load()  # type: ignore[arg-type]
    rows = len(data.train) + len(data.val) + len(data.test)
    assert (rows, *data.spec.shape, data.spec.classes) == TABLES[name]
    assert data.spec.std is not None
    assert torch.allclose(data.spec.std, torch.ones(data.spec.shape), rtol=1e-4)
