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
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt

PARTS = {"x": "labels", "train": "train_labels", "val": "val_labels", "test": "test_labels"}
CHANNELS = (1, 3, 4)


class Npz(DataSet):
    """Arrays from an npz file: `train`, `val` and `test`, or `x`, from which they are cut.

    Labels are in `train_labels`, `val_labels`, `test_labels` or `labels`: integers or words, one
    for each example, numbered in sorted order. A missing `val` or `test` is cut from `train`.
    Arrays are `(N, D)`, `(N, H, W)`, `(N, C, H, W)` or `(N, H, W, C)`; pickled objects are never
    loaded.

    Arguments:
        path: The npz file.
        batch_size: Examples in a batch, over all processes.
        validation: Where there is no `val`: the share (below 1) or number of examples for it.
        test: Where there is no `test`: the share (below 1) or number of examples for it.
        split_seed: Of the shuffle before the cut.
        space: `binary`, `bytes`, `unit` or `real`; None to go by the values: only 0 and 1 are
            binary, other uint8 bytes, floats in [0, 1] unit, other floats real.
        levels: How many levels bytes have; None for 256.
        limit: Use the first so many training examples only; None for all.

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
        limit: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit)
        self.validation = validation
        self.test = test
        self.split_seed = split_seed
        self.space = space
        self.levels = levels

    def read(self) -> Data:
        """Reads the arrays, finds their space and cuts what is missing."""
        if self.path is None:
            raise RequestError("npz needs a file", where="data.path", hint="give data.path=FILE.npz")
        file = Path(self.path).expanduser()
        if not file.is_file():
            raise RequestError(f"there is no {file}", where="data.path", hint="give data.path=FILE.npz")
        arrays = read_npz(file)
        _check_names(arrays, file)
        space, levels, tensors = to_space(
            {name: arrays[name] for name in PARTS if name in arrays}, self.space, self.levels
        )
        labels, classes = _labels({k: arrays[v] for k, v in PARTS.items() if v in arrays})
        splits = {name: Split(_axes(name, x), labels.get(name)) for name, x in tensors.items()}
        train, val, test = complete(
            splits["x"] if "x" in splits else splits["train"],
            splits.get("val"),
            splits.get("test"),
            validation=self.validation,
            testing=self.test,
            seed=self.split_seed,
        )
        spec = DataSpec(space, tuple(train.x.shape[1:]), levels=levels, classes=classes)
        return Data(self.name, spec, train, val, test)


def _check_names(arrays: dict[str, np.ndarray], file: Path) -> None:
    known = [*PARTS, *PARTS.values()]
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
    for name, label in PARTS.items():
        if label in arrays and name not in arrays:
            raise RequestError(f"{file} has {label} without {name}", where="data.path")
        if label in arrays and arrays[label].shape != arrays[name].shape[:1]:
            shapes = f"{label} of shape {arrays[label].shape} for {name} of {arrays[name].shape}"
            raise RequestError(f"{file} has {shapes}", where="data.path")
    labelled = [label in arrays for name, label in PARTS.items() if name in arrays]
    if any(labelled) and not all(labelled):
        raise RequestError(f"{file} has labels for some splits only", where="data.path")


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
    hint = "examples are rows of numbers or images: 2 to 4 axes"
    raise RequestError(f"{name} has {x.ndim} axes", where="data.path", hint=hint)
