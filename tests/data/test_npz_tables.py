"""Counts, tables of several types, missing cells and conditions in arrays of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lvm_experiments.data import Data, Npz, Split
from lvm_experiments.errors import RequestError

RANDOM = np.random.default_rng(0)
REAL = RANDOM.normal(size=(40, 3))
COUNTS = RANDOM.poisson(4.0, size=(40, 3))
COLUMNS = ["real", "counts", "categorical(3)"]
MIXED = np.stack([REAL[:, 0], COUNTS[:, 1], np.arange(40) % 3], 1)


def load(tmp_path: Path, arrays: dict[str, np.ndarray], **arguments: Any) -> Data:
    np.savez(tmp_path / "mine.npz", **arrays)  # type: ignore[arg-type]
    return Npz(path=str(tmp_path / "mine.npz"), **arguments).load()


def train(data: Data) -> Split:
    assert isinstance(data.train, Split)
    return data.train


@pytest.mark.parametrize(("scale", "kind"), [(1, torch.int16), (20_000, torch.int32)])
def test_counts_have_the_smallest_type_that_holds_them(tmp_path: Path, scale: int, kind: torch.dtype) -> None:
    for dtype in (np.int64, np.float64, np.uint32):
        data = load(tmp_path, {"train": COUNTS * scale, "val": COUNTS, "test": COUNTS}, space="counts")
        assert (data.spec.space, data.spec.levels, data.spec.shape) == ("counts", 0, (3,))
        assert train(data).x.dtype == kind, dtype
        np.testing.assert_array_equal(train(data).x.numpy(), COUNTS * scale)


@pytest.mark.parametrize("bad", [COUNTS - 5, COUNTS + 0.5, COUNTS * 1e10])
def test_what_is_no_count_is_refused(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(RequestError, match="where counts are whole numbers from 0"):
        load(tmp_path, {"x": bad}, space="counts")


def test_a_table_states_its_columns(tmp_path: Path) -> None:
    data = load(tmp_path, {"x": MIXED}, space="mixed", columns=COLUMNS)
    assert (data.spec.space, data.spec.shape, data.spec.columns) == ("mixed", (3,), tuple(COLUMNS))
    assert data.spec.embedded_shape == (5,)
    for arguments in ({"space": "mixed"}, {"columns": COLUMNS}, {"space": "real", "columns": COLUMNS}):
        with pytest.raises(RequestError, match=r"^data.columns: types of columns belong to mixed tables"):
            Npz(path="x.npz", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["real", "counts"], "types of 2 columns for examples of shape"),
        (["real", "counts", "ordinal"], "column 2 of a type 'ordinal'"),
        (["positive", "counts", "categorical(3)"], "in column 0, said to be positive"),
        (["real", "binary", "categorical(3)"], "in column 1, said to be binary"),
        (["real", "counts", "categorical(2)"], "from 0 to 2 in column 2, said to be categorical"),
        (["counts", "counts", "categorical(3)"], "in column 0, said to be counts"),
    ],
)
def test_columns_that_are_others_are_refused(tmp_path: Path, columns: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        load(tmp_path, {"x": MIXED}, space="mixed", columns=columns)
    assert "\n" not in str(caught.value)


def test_nan_is_a_missing_cell_where_that_is_said(tmp_path: Path) -> None:
    x = REAL.copy()
    x[RANDOM.random(x.shape) < 0.3] = np.nan
    with pytest.raises(RequestError, match="holds NaN"):
        load(tmp_path, {"x": x})
    parts = {"train": x, "val": x[:5], "test": x[:5]}
    data = load(tmp_path, parts, nan="missing")
    mask = train(data).mask
    assert mask is not None
    np.testing.assert_array_equal(mask.numpy(), ~np.isnan(x))
    np.testing.assert_array_equal(train(data).x[mask].numpy(), x[~np.isnan(x)].astype(np.float32))
    assert torch.isfinite(train(data).x).all()
    assert data.spec.mean is not None
    np.testing.assert_allclose(data.spec.mean.numpy(), np.nanmean(x, 0), rtol=1e-5)
    infinite = x.copy()
    infinite[0, 0] = np.inf
    with pytest.raises(RequestError, match="infinite"):
        load(tmp_path, {"x": infinite}, nan="missing")


def test_missing_cells_of_counts_and_tables_hold_values_of_their_space(tmp_path: Path) -> None:
    x = COUNTS.astype(float)
    x[:7, 1] = np.nan
    data = load(tmp_path, {"train": x, "val": x, "test": x}, space="counts", nan="missing")
    assert train(data).x.dtype == torch.int16
    assert train(data).mask is not None
    table = MIXED.copy()
    table[3] = np.nan
    data = load(tmp_path, {"train": table, "val": MIXED, "test": MIXED}, space="mixed", columns=COLUMNS, nan="missing")
    assert data.spec.embed(train(data).x).shape == (40, 5)  # one-hot of whatever stands there
    assert not train(data).mask[3].any()  # type: ignore[index]


def test_a_mask_says_what_was_observed(tmp_path: Path) -> None:
    mask = RANDOM.random(REAL.shape) < 0.5
    x = np.where(mask, REAL, np.nan)
    data = load(
        tmp_path, {"train": x, "train_mask": mask, "val": REAL, "val_mask": mask, "test": REAL, "test_mask": mask}
    )
    np.testing.assert_array_equal(train(data).mask.numpy(), mask)  # type: ignore[union-attr]
    images = REAL[:36].reshape(9, 2, 2, 3)  # channels last
    seen = RANDOM.random(images.shape) < 0.5
    data = load(
        tmp_path,
        {"train": images, "train_mask": seen, "val": images, "val_mask": seen, "test": images, "test_mask": seen},
    )
    np.testing.assert_array_equal(train(data).mask.numpy(), seen.transpose(0, 3, 1, 2))  # type: ignore[union-attr]


def test_conditions_come_with_their_examples(tmp_path: Path) -> None:
    x = np.arange(40.0)[:, None]
    data = load(tmp_path, {"x": x, "condition": np.concatenate([x, -x], 1)}, validation=4, test=4)
    assert data.spec.condition == 2
    split = train(data)
    assert torch.equal(split.condition, torch.cat([split.x, -split.x], 1))  # type: ignore[arg-type]
    assert load(tmp_path, {"x": x, "condition": x[:, 0]}).spec.condition == 1


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": REAL, "mask": REAL}, "mask is no array of true and false"),
        ({"x": REAL, "mask": np.ones((40, 2), bool)}, r"mask of shape \(40, 2\) for x"),
        ({"train": REAL, "train_mask": REAL > 0, "val": REAL}, "mask for some splits only"),
        ({"x": REAL, "condition": REAL[:7]}, r"condition of shape \(7, 3\) for x"),
        ({"x": REAL, "condition": np.full(40, np.nan)}, "conditions are finite numbers"),
        ({"x": REAL, "condition": np.array(["a"] * 40)}, "conditions are finite numbers"),
        ({"train": REAL, "val_condition": REAL}, "val_condition without val"),
        ({"x": REAL, "maks": REAL > 0}, "did you mean mask"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        load(tmp_path, arrays)
    assert "\n" not in str(caught.value)
