"""Npz: arrays of your own."""

from __future__ import annotations

__all__ = ["Npz"]

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.array_space import to_space
from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import read_npz
from lvm_experiments.data.split import Split
from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NanMeaning, NonNegativeInt, PositiveFloat, PositiveInt, Probability

PARTS = ("x", "train", "val", "test")
BESIDE = ("labels", "mask", "condition")
"""What may be known of each part's examples, in arrays like `train_labels`; of x, in arrays like `labels`."""
CHANNELS = (1, 3, 4)


class Npz(DataSet):
    """Arrays from an npz file: `train`, `val` and `test`, or `x`, from which they are cut.

    Labels are in `train_labels`, `val_labels`, `test_labels` or, of x, `labels` or `x_labels`: integers or words, one
    for each example, numbered in sorted order. A missing `val` or `test` is cut from `train`.
    Arrays are `(N, D)`, `(N, H, W)`, `(N, C, H, W)` or `(N, H, W, C)`; pickled objects are never
    loaded. Likewise `mask` (`train_mask`, ..) is True where a cell was observed, of the shape of the array, and
    `condition` (`train_condition`, ..) holds numbers a conditional model is given, `(N, C)` or `(N,)`.

    Arguments:
        path: The npz file.
        batch_size: Examples in a batch, over all processes.
        validation: Where there is no `val`: the share (below 1) or number of examples for it.
        test: Where there is no `test`: the share (below 1) or number of examples for it.
        split_seed: Of the shuffle before the cut.
        space: `binary`, `bytes`, `counts`, `mixed`, `unit` or `real`; None to go by the values: only 0 and 1
            are binary, other uint8 bytes, floats in [0, 1] unit, other floats real.
        levels: How many levels bytes have; None for 256.
        columns: The type of each column of a mixed table: `real`, `positive`, `binary`, `counts` or
            `categorical(n)`, whose values are 0 to n - 1.
        nan: `refused`, or `missing`: a cell that holds NaN was not observed.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: The file is missing or corrupt, holds NaN or values outside the space, or
            lacks arrays.

    Example:
        >>> Npz(path="measurements.npz", levels=17).levels
        17
    """

    name = "npz"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveFloat = 0.1,
        test: PositiveFloat = 0.1,
        split_seed: NonNegativeInt = 0,
        space: str | None = None,
        levels: PositiveInt | None = None,
        columns: list[str] | None = None,
        nan: NanMeaning = "refused",
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation
        self.test = test
        self.split_seed = split_seed
        self.space = space
        self.levels = levels
        self.columns = tuple(columns or ())
        self.nan = nan
        if (space == "mixed") != bool(self.columns):
            hint = "give data.space=mixed and data.columns=[real,binary,..], a type for each column"
            raise RequestError(
                "types of columns belong to mixed tables, and only to them", where="data.columns", hint=hint
            )

    def read(self) -> Data:
        """Reads the arrays, finds their space and cuts what is missing."""
        if self.path is None:
            raise RequestError("npz needs a file", where="data.path", hint="give data.path=FILE.npz")
        file = Path(self.path).expanduser()
        if not file.is_file():
            raise RequestError(f"there is no {file}", where="data.path", hint="give data.path=FILE.npz")
        arrays = _named(read_npz(file), file)
        _check_names(arrays, file)
        parts = [name for name in PARTS if name in arrays]
        masks = {name: self._mask(name, arrays) for name in parts}
        observed = {name: _filled(arrays[name], masks[name]) for name in parts}
        space, levels, tensors = to_space(observed, self.space, self.levels)
        labels, classes = _labels({k: arrays[_beside(k, "labels")] for k in parts if _beside(k, "labels") in arrays})
        conditions = {name: _condition(name, arrays) for name in parts}
        splits = {
            name: Split(
                _axes(name, x),
                labels.get(name),
                mask=None if (mask := masks[name]) is None else _axes(name, torch.from_numpy(mask)),
                condition=conditions[name],
            )
            for name, x in tensors.items()
        }
        train, val, test = complete(
            splits["x"] if "x" in splits else splits["train"],
            splits.get("val"),
            splits.get("test"),
            validation=self.validation,
            testing=self.test,
            seed=self.split_seed,
        )
        width = 0 if train.condition is None else train.condition.shape[1]
        shape = tuple(train.x.shape[1:])
        spec = DataSpec(space, shape, levels=levels, classes=classes, columns=self.columns, condition=width)
        return Data(self.name, spec, train, val, test)

    def _mask(self, name: str, arrays: dict[str, np.ndarray]) -> np.ndarray | None:
        """Which cells were observed; None where all were."""
        x, given = arrays[name], arrays.get(_beside(name, "mask"))
        if given is not None and (given.dtype.kind not in "bui" or not np.isin(given, (0, 1)).all()):
            raise RequestError(f"{_beside(name, 'mask')} is no array of true and false", where="data.path")
        mask = None if given is None else given.astype(bool)
        if self.nan == "missing" and x.dtype.kind == "f":
            mask = ~np.isnan(x) if mask is None else mask & ~np.isnan(x)
        return mask


def _beside(name: str, what: str) -> str:
    return what if name == "x" else f"{name}_{what}"


def _named(arrays: dict[str, np.ndarray], file: Path) -> dict[str, np.ndarray]:
    """What is known of x by its short name, be it called `labels` or `x_labels`."""
    found = dict(arrays)
    for what in BESIDE:
        if f"x_{what}" in found:
            if what in found:
                raise RequestError(f"{file} has both {what} and x_{what}", where="data.path", hint="leave one out")
            found[what] = found.pop(f"x_{what}")
    return found


def _filled(x: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Cells that were not observed take the smallest value seen in their place, which is one of their space."""
    if mask is None or mask.all() or not mask.any() or x.dtype.kind not in "biuf":
        return x
    cells, seen = x.reshape(len(x), -1), mask.reshape(len(x), -1)
    largest = x[mask].max()
    lowest = np.where(seen, cells, largest).min(0)
    # Of a place nobody has seen anything is as good as any.
    lowest = np.where(seen.any(0), lowest, x[mask].min())
    return np.where(seen, cells, lowest).astype(x.dtype).reshape(x.shape)


def _condition(name: str, arrays: dict[str, np.ndarray]) -> Tensor | None:
    found = arrays.get(_beside(name, "condition"))
    if found is None:
        return None
    numbers = found.dtype.kind in "biuf" and found.ndim in (1, 2) and bool(np.isfinite(found).all())
    if not numbers:
        what = f"{_beside(name, 'condition')} is {found.dtype} of shape {found.shape}"
        raise RequestError(what, where="data.path", hint="conditions are finite numbers, (N, C)")
    return torch.from_numpy(found.astype(np.float32)).reshape(len(found), -1)


def _check_names(arrays: dict[str, np.ndarray], file: Path) -> None:
    known = [*PARTS, *(_beside(name, what) for name in PARTS for what in BESIDE)]
    for name in arrays:
        meant = nearest(name, known)
        if name not in known and meant:  # likely a slip; other arrays are none of our business
            hint = f"did you mean {meant}?"
            raise RequestError(f"{file} has an array {name!r}", where="data.path", hint=hint)
    if ("x" in arrays) == ("train" in arrays):
        found = "both x and train" if "x" in arrays else "neither x nor train"
        hint = "save train, val and test, or x to be split"
        raise RequestError(f"{file} has {found}", where="data.path", hint=hint)
    if "x" in arrays and ("val" in arrays or "test" in arrays):
        hint = "call x train, or leave the others out"
        raise RequestError(f"{file} has x beside val or test", where="data.path", hint=hint)
    for what in BESIDE:
        _check_beside(arrays, what, file)


def _check_beside(arrays: dict[str, np.ndarray], what: str, file: Path) -> None:
    """What is known of examples has a value for each of them, and is known of all parts or of none."""
    for name in PARTS:
        about = _beside(name, what)
        if about in arrays and name not in arrays:
            raise RequestError(f"{file} has {about} without {name}", where="data.path")
        axes = None if what == "mask" else 1
        wrong = about in arrays and arrays[about].shape[:axes] != arrays[name].shape[:axes]
        if wrong or (what == "labels" and about in arrays and arrays[about].ndim != 1):
            shapes = f"{about} of shape {arrays[about].shape} for {name} of {arrays[name].shape}"
            raise RequestError(f"{file} has {shapes}", where="data.path")
    there = [_beside(name, what) in arrays for name in PARTS if name in arrays]
    if any(there) and not all(there):
        raise RequestError(f"{file} has {what} for some splits only", where="data.path")


def _labels(arrays: dict[str, np.ndarray]) -> tuple[dict[str, Tensor], int]:
    """Labels numbered in sorted order over all splits, and how many there are."""
    if not arrays:
        return {}, 0
    for array in arrays.values():
        if array.dtype.kind not in "biuU":
            what = f"labels are {array.dtype}, not integers or words"
            raise RequestError(what, where="data.path")
    values, numbers = np.unique(np.concatenate(list(arrays.values())), return_inverse=True)
    pieces = torch.from_numpy(numbers.astype(np.int64)).split([len(a) for a in arrays.values()])
    return dict(zip(arrays, pieces, strict=True)), len(values)


def _axes(name: str, x: Tensor) -> Tensor:
    """`(N, D)` as it is, images to `(N, C, H, W)`."""
    if x.ndim == 2:
        return x
    if x.ndim == 3:
        return x.unsqueeze(1)
    if x.ndim == 4:
        last = x.shape[1] not in CHANNELS and x.shape[3] in CHANNELS
        return x.permute(0, 3, 1, 2).contiguous() if last else x
    hint = "examples are rows of numbers or images: 2 to 4 axes" + (", as x[:, None] has" if x.ndim == 1 else "")
    raise RequestError(f"{name} has {x.ndim} ax{'is' if x.ndim == 1 else 'es'}", where="data.path", hint=hint)
