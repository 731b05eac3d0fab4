"""The data sets of counts and tables, in small copies of their layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from lvm_experiments.data import DataSet, MouseBladder, Newsgroups, Pbmc3k, Smfish, Split, Uci
from lvm_experiments.data.sparse_counts import read_counts
from lvm_experiments.errors import RequestError

Listing = Callable[[Path], dict[str, tuple[int, int]]]
RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.poisson(0.4, (60, 7)).astype(np.int32)
COUNTS[:, 0] = np.arange(60)  # tells rows apart
CSV = "a,b,class\n" + "\n".join(f"{i},{i * i % 17},{'xy'[i % 2]}" for i in range(60)) + "\n"


def sparse(root: Path, name: str, rows: np.ndarray = COUNTS) -> None:
    (root / "counts").mkdir(exist_ok=True)
    scipy.sparse.save_npz(root / "counts" / f"{name}.npz", scipy.sparse.csr_matrix(rows))


def newsgroups(root: Path) -> None:
    for part, rows in (("train", slice(0, 40)), ("test", slice(40, 60))):
        sparse(root, f"20news_{part}", COUNTS[rows])
        np.save(root / "counts" / f"20news_{part}_labels.npy", (np.arange(60) % 20 + 1).astype(np.int16)[rows])


def mouse_bladder(root: Path) -> None:
    sparse(root, "mouse_bladder_counts")
    np.save(root / "counts" / "mouse_bladder_labels.npy", (np.arange(60) % 3 + 1).astype(np.int16))


def smfish(root: Path) -> None:
    (root / "counts").mkdir()
    np.savez(root / "counts" / "smfish.npz", counts=COUNTS, labels=np.array(["b", "a", "c"] * 20), xy=np.zeros((60, 2)))


def uci(root: Path) -> None:
    (root / "uci").mkdir()
    (root / "uci" / "banknote.csv").write_text(CSV)


SETS: dict[str, tuple[Callable[[Path], None], Callable[[str], DataSet], int]] = {
    "newsgroups": (newsgroups, lambda path: Newsgroups(path, validation=8), 20),
    "mouse_bladder": (mouse_bladder, MouseBladder, 3),
    "pbmc3k": (lambda root: sparse(root, "pbmc3k_subset_counts"), Pbmc3k, 0),
    "smfish": (smfish, Smfish, 3),
    "uci": (uci, Uci, 2),
}


@pytest.mark.parametrize("name", SETS)
def test_a_given_folder_is_only_read_and_every_row_is_somewhere(name: str, tmp_path: Path, listing: Listing) -> None:
    write, create, classes = SETS[name]
    write(tmp_path)
    before = listing(tmp_path)
    data, again = create(str(tmp_path)).load(), create(str(tmp_path)).load()
    assert listing(tmp_path) == before
    assert (data.name, data.spec.classes) == (name, classes)
    assert data.spec.space == ("real" if name == "uci" else "counts")
    splits = [split for split in (data.train, data.val, data.test) if isinstance(split, Split)]
    assert sum(map(len, splits)) == 60
    assert torch.equal(data.train.x, again.train.x)  # type: ignore[union-attr]
    if name != "uci":
        x = torch.cat([split.x for split in splits])
        assert sorted(x[:, 0].tolist()) == list(range(60))
        assert x[:, 0].tolist() != list(range(60))
        assert torch.equal(x[x[:, 0].argsort()], torch.from_numpy(COUNTS).to(x))


@pytest.mark.parametrize("name", SETS)
def test_a_missing_file_says_what_to_get(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^data.path: there is no .*; get the "):
        SETS[name][1](str(tmp_path)).load()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_a_damaged_file_is_one_line(name: str, damage: str, tmp_path: Path) -> None:
    write, create, _ = SETS[name]
    write(tmp_path)
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        good = file.read_bytes()
        bad = {"truncated": good[: len(good) // 2], "empty": b"", "text": b"not found " * 50}
        if file.suffix == ".csv" and damage == "truncated":
            continue  # half a table is one
        file.write_bytes(bad[damage])
        with pytest.raises(RequestError, match="cannot be read") as caught:
            create(str(tmp_path)).load()
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)
        file.write_bytes(good)


def test_labels_stay_with_their_rows(tmp_path: Path) -> None:
    newsgroups(tmp_path)
    data = Newsgroups(str(tmp_path), validation=8).load()
    for split in (data.train, data.val, data.test):
        assert isinstance(split, Split)
        assert torch.equal(split.label, split.x[:, 0].long() % 20)  # type: ignore[arg-type]
    assert torch.equal(data.test.x[:, 0], torch.arange(40, 60).to(torch.int16))  # type: ignore[union-attr]


def test_words_are_numbered_in_order(tmp_path: Path) -> None:
    smfish(tmp_path)
    train = Smfish(str(tmp_path)).load().train
    assert isinstance(train, Split)
    assert torch.equal(train.label, torch.tensor([1, 0, 2])[train.x[:, 0].long() % 3])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"indices": np.full(5, 9, np.int32)}, "cannot be read"),
        ({"data": np.array([1, -1, 2, 1, 1], np.int32)}, "where counts were expected"),
        ({"data": np.full(5, 0.5)}, "where counts were expected"),
        ({"format": np.array(b"coo")}, "instead of csr"),
        ({"shape": np.array([3, 10**10])}, "too large for memory"),
    ],
)
def test_sparse_counts_that_are_none_are_refused(tmp_path: Path, change: dict[str, np.ndarray], said: str) -> None:
    arrays = {
        "format": np.array(b"csr"),
        "shape": np.array([3, 4]),
        "data": np.ones(5, np.int32),
        "indices": np.array([0, 1, 2, 3, 0], np.int32),
        "indptr": np.array([0, 2, 4, 5], np.int32),
    }
    np.savez(tmp_path / "x.npz", **(arrays | change))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=said):
        read_counts(tmp_path / "x.npz", "it")


def test_large_counts_keep_their_values(tmp_path: Path) -> None:
    sparse(tmp_path, "x", np.array([[0, 40_000], [7, 0]], np.int32))
    x = read_counts(tmp_path / "counts" / "x.npz", "it")
    assert (x.dtype, x.tolist()) == (torch.int32, [[0, 40_000], [7, 0]])


def test_a_table_is_standardised_by_its_training_rows(tmp_path: Path) -> None:
    uci(tmp_path)
    plain, data = (Uci(str(tmp_path), standardise=standardise).load() for standardise in (False, True))
    assert data.spec.mean is not None
    assert data.spec.std is not None
    assert torch.allclose(data.spec.mean, torch.zeros(2), atol=1e-6)
    assert torch.allclose(data.spec.std, torch.ones(2), rtol=1e-5)
    assert plain.spec.mean is not None
    assert plain.spec.std is not None
    assert isinstance(plain.test, Split)
    assert isinstance(data.test, Split)
    assert torch.allclose(data.test.x, (plain.test.x - plain.spec.mean) / plain.spec.std, atol=1e-5)
    assert torch.equal(plain.test.label, plain.test.x[:, 0].long() % 2)  # type: ignore[arg-type]


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean wine_red"):
        Uci(name="winered")  # type: ignore[arg-type]
