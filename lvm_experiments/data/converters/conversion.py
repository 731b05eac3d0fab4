"""What a converter gives: the files of a data set, and what was checked of them."""

from __future__ import annotations

__all__ = ["Conversion", "content_sum", "npz_bytes", "rows_sum", "verify"]

import io
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from lvm_experiments.errors import RequestError


@dataclass(frozen=True)
class Conversion:
    """Files to be written into the folder of data sets.

    Arguments:
        files: Content by path relative to that folder.
        checked: One sentence on what was compared with what.
    """

    files: dict[str, bytes]
    checked: str


def npz_bytes(**arrays: np.ndarray) -> bytes:
    """The content of a packed npz file of these arrays; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def content_sum(*arrays: np.ndarray) -> str:
    """The sha256 of arrays: of their types, shapes and values in row-major order.

    Unlike the sum of a file it does not depend on how the file was packed.
    """
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def rows_sum(array: np.ndarray) -> str:
    """The sha256 of the rows of an array of bytes in sorted order: equal for any order of them."""
    rows = sorted(row.tobytes() for row in np.ascontiguousarray(array))
    return sha256(b"".join(rows)).hexdigest()


def verify(name: str, found: str, known: str, *, unchecked: bool) -> str:
    """Compares a sum with the known one.

    Arguments:
        name: What the sum is of.
        found: The sum that was computed.
        known: The sum it should be.
        unchecked: Go on where they differ.

    Returns:
        One sentence on the outcome.

    Raises:
        RequestError: They differ.
    """
    if found == known:
        return f"{name} is the known one (sha256 {known[:12]})."
    what = f"{name} is not the known one: sha256 {found[:12]} instead of {known[:12]}"
    if unchecked:
        return f"{what}; written all the same."
    hint = "get another copy, or give --unchecked to write it all the same"
    raise RequestError(what, where="source", hint=hint)
