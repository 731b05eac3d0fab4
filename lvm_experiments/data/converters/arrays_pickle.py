"""Reading a pickle that may hold nothing but arrays."""

from __future__ import annotations

__all__ = ["read_arrays"]

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from lvm_experiments.data.files import FAULTS, corrupt


def _reconstruct(kind: type, shape: tuple[int, ...], _code: bytes | str) -> np.ndarray:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("an array of a class of its own")
    return np.ndarray.__new__(np.ndarray, shape, dtype=np.int8)


def _from_buffer(data: bytes, dtype: np.dtype, shape: tuple[int, ...], order: Any) -> np.ndarray:
    return np.frombuffer(data, dtype=dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text encoded as {encoding}")
    return text.encode("latin1")


# All that arrays are pickled by, in Python 2 and 3 and by numpy before and after 2.0.
ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}; only arrays are read")
        return ALLOWED[module, name]


def read_arrays(file: Path) -> list[np.ndarray]:
    """The arrays of numbers in a pickle, at any depth of lists, tuples and dictionaries.

    A pickle is a program. This one can call nothing but what puts an array together.

    Arguments:
        file: The pickle, of Python 2 or 3.

    Raises:
        RequestError: The file is damaged or names anything but arrays.
    """
    try:
        found = _ArrayUnpickler(io.BytesIO(file.read_bytes()), encoding="latin1").load()
        return _arrays(found)
    except (*FAULTS, pickle.UnpicklingError, TypeError, AttributeError) as error:
        raise corrupt(file, error) from error


def _arrays(found: Any) -> list[np.ndarray]:
    if isinstance(found, np.ndarray) and found.dtype.kind in "uif":
        return [found]
    inner = list(found.values()) if isinstance(found, dict) else found
    if isinstance(inner, list | tuple):
        return [array for item in inner for array in _arrays(item)]
    return []
