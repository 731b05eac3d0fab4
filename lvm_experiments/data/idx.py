"""The IDX format of MNIST and its relatives."""

from __future__ import annotations

__all__ = ["find_idx", "read_idx"]

import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.files import FAULTS, corrupt, missing


def find_idx(file: Path, *, original: str) -> Path:
    """The file itself or its packed form, whichever there is.

    Arguments:
        file: The unpacked name.
        original: What to say has to be got where there is neither.

    Raises:
        RequestError: There is neither.
    """
    for found in (file, file.with_name(file.name + ".gz")):
        if found.is_file():
            return found
    raise missing(file.with_name(file.name + ".gz"), original=original)


def read_idx(file: Path) -> Tensor:
    """The array in an IDX file of unsigned bytes, packed by gzip or not, straight into memory.

    Arguments:
        file: The file; `.gz` tells that it is packed.

    Raises:
        RequestError: The file is damaged.
    """
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        if len(data) < 4 or data[:3] != b"\x00\x00\x08":
            raise ValueError("not an IDX file of unsigned bytes")
        shape = np.frombuffer(data, ">u4", count=data[3], offset=4).astype(np.int64)
        array = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
        return torch.from_numpy(array.reshape(shape.tolist()).copy())
    except FAULTS as error:
        raise corrupt(file, error) from error
