"""Counts that are stored by their rows' nonzero cells."""

from __future__ import annotations

__all__ = ["labels_of", "read_counts", "whole_numbers"]

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.files import FAULTS, corrupt, missing, read_npz
from lvm_experiments.errors import RequestError

LARGEST = 4 * 2**30
"""Bytes beyond which a table of mostly zeros is not written out."""


def read_counts(file: Path, original: str) -> Tensor:
    """A matrix in scipy's compressed sparse rows, as a table of the smallest type that holds its counts.

    Arguments:
        file: An npz file as `scipy.sparse.save_npz` writes them.
        original: What to say has to be got where it is missing.

    Returns:
        Shape `(N, D)`, int16 or int32.

    Raises:
        RequestError: The file is missing or corrupt, or its table would not fit into memory.
    """
    from scipy.sparse import csr_matrix

    if not file.is_file():
        raise missing(file, original=original)
    found = read_npz(file, ("format", "shape", "data", "indices", "indptr"))
    try:
        if found["format"].item() != b"csr":
            raise ValueError(f"sparse format {found['format'].item()!r} instead of csr")
        data = found["data"]
        if data.dtype.kind not in "iu" or (len(data) and data.min() < 0):
            raise ValueError(f"{data.dtype} where counts were expected")
        shape = tuple(int(n) for n in found["shape"])
        kind = _kind(data)
        if np.prod(shape, dtype=np.float64) * np.dtype(kind).itemsize > LARGEST:
            what = f"{file} is a table of {shape[0]} x {shape[1]} cells, too large for memory"
            raise RequestError(what, where="data.path", hint="keep fewer columns")
        matrix = csr_matrix((data.astype(kind), found["indices"], found["indptr"]), shape=shape)
        matrix.check_format()
        return torch.from_numpy(matrix.toarray())
    except (*FAULTS, TypeError) as error:
        raise corrupt(file, error) from error


def whole_numbers(array: np.ndarray) -> Tensor:
    """Counts as a tensor of the smallest type that holds them, int16 or int32."""
    return torch.from_numpy(array.astype(_kind(array)))


def labels_of(file: Path, examples: int, original: str) -> tuple[Tensor, int]:
    """Labels from an npy file, numbered in sorted order, and how many there are.

    Arguments:
        file: The file.
        examples: How many labels there have to be.
        original: What to say has to be got where it is missing.

    Raises:
        RequestError: The file is missing or corrupt.
    """
    if not file.is_file():
        raise missing(file, original=original)
    try:
        found = np.load(file, allow_pickle=False)
        if not isinstance(found, np.ndarray) or found.shape != (examples,):
            raise ValueError(f"labels of shape {getattr(found, 'shape', None)} for {examples} examples")
    except FAULTS as error:
        raise corrupt(file, error) from error
    values, numbers = np.unique(found, return_inverse=True)
    return torch.from_numpy(numbers.astype(np.int64)), len(values)


def _kind(array: np.ndarray) -> type:
    return np.int16 if not array.size or array.max() <= np.iinfo(np.int16).max else np.int32
