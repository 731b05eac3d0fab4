"""Which observation space somebody's arrays are in."""

from __future__ import annotations

__all__ = ["SPACES", "to_space"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.sparse_counts import whole_numbers
from lvm_experiments.errors import RequestError, nearest

SPACES = ("binary", "bytes", "counts", "mixed", "real", "unit")


def to_space(
    arrays: dict[str, np.ndarray], space: str | None = None, levels: int | None = None
) -> tuple[str, int, dict[str, Tensor]]:
    """The space of arrays that belong together, and the arrays in the type of that space.

    Unless it is stated: `bytes` where levels are given; `binary` where there is nothing but 0
    and 1; `bytes` of 256 levels for uint8; `unit` for floats in [0, 1]; `real` for other floats.
    Counts and tables of several types are never guessed.

    Arguments:
        arrays: Numbers by name.
        space: `binary`, `bytes`, `counts`, `mixed`, `unit` or `real`; None to go by the values.
        levels: How many levels bytes have, up to 256; None for 256.

    Returns:
        The space, the number of levels (0 where they are not countable), and the tensors: uint8
        for binary and bytes, int16 or int32 for counts, float32 for mixed, unit and real.

    Raises:
        RequestError: NaN, values outside the space, levels that do not fit, a space that cannot be
            told from the values.

    Example:
        >>> to_space({"x": np.array([[0.25, 0.5]])})
        ('unit', 0, {'x': tensor([[0.2500, 0.5000]])})
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            _refuse(f"{name} holds {array.dtype}, not numbers")
        if array.size == 0:
            _refuse(f"{name} is empty")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            _refuse(f"{name} holds NaN or infinite values", "remove or fill them first")
    if levels is not None and (levels < 2 or levels > 256):
        _refuse(f"{levels} levels do not fit in 8 bits", "levels are 2 to 256", where="data.levels")
    space = space or ("bytes" if levels else _guess(arrays))
    if space not in SPACES:
        meant = nearest(space, SPACES)
        hint = f"did you mean {meant}?" if meant else f"spaces are {', '.join(SPACES)}"
        _refuse(f"no space of arrays is called {space!r}", hint, where="data.space")
    if levels and space != "bytes":
        _refuse(f"{space} data have no levels to choose", where="data.levels")
    if space in ("binary", "bytes"):
        count = 2 if space == "binary" else levels or 256
        whole = {name: _whole(name, array, space, count) for name, array in arrays.items()}
        return space, count, whole
    if space == "counts":
        return space, 0, {name: _counts(name, array) for name, array in arrays.items()}
    return space, 0, {name: _floats(name, array, space) for name, array in arrays.items()}


def _guess(arrays: dict[str, np.ndarray]) -> str:
    values = list(arrays.values())
    if all(((array == 0) | (array == 1)).all() for array in values):
        return "binary"
    if all(array.dtype == np.uint8 for array in values):
        return "bytes"
    if all(array.dtype.kind == "f" for array in values):
        return "unit" if all(array.min() >= 0 and array.max() <= 1 for array in values) else "real"
    types = ", ".join(f"{name} of {array.dtype}" for name, array in arrays.items())
    _refuse(f"the space of {types} is not clear", f"say data.space={'|'.join(SPACES)}")
    return ""


def _whole(name: str, array: np.ndarray, space: str, count: int) -> Tensor:
    low, high = array.min(), array.max()
    if low < 0 or high >= count or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        _refuse(
            f"{name} has values from {low:g} to {high:g} where {space} data are integers from 0 to {count - 1}",
            "state data.space, or scale them",
        )
    return torch.from_numpy(array.astype(np.uint8))


def _counts(name: str, array: np.ndarray) -> Tensor:
    low, high = array.min(), array.max()
    if low < 0 or high > np.iinfo(np.int32).max or (array.dtype.kind == "f" and (array % 1 != 0).any()):
        _refuse(f"{name} has values from {low:g} to {high:g} where counts are whole numbers from 0")
    return whole_numbers(array)


def _floats(name: str, array: np.ndarray, space: str) -> Tensor:
    low, high = float(array.min()), float(array.max())
    if space == "unit" and (low < 0 or high > 1):
        _refuse(f"{name} has values from {low:g} to {high:g} where unit data lie between 0 and 1")
    if max(-low, high) > float(np.finfo(np.float32).max):
        _refuse(f"{name} has values up to {max(-low, high):g}, beyond 32-bit floats", "scale them")
    return torch.from_numpy(array.astype(np.float32))


def _refuse(what: str, hint: str = "", where: str = "data.path") -> None:
    raise RequestError(what, where=where, hint=hint)
