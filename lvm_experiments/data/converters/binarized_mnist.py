"""Statically binarised MNIST from its three text or MATLAB files."""

from __future__ import annotations

__all__ = ["convert_binarized_mnist"]

from pathlib import Path

import numpy as np

from lvm_experiments.data.converters.conversion import Conversion, content_sum, npz_bytes, verify
from lvm_experiments.data.files import corrupt, read_mat
from lvm_experiments.errors import RequestError

PARTS = ("train", "valid", "test")
KNOWN = "573218a14eb73df6d8d4a8c9eb54b41511317b6df0acf65330e76f13ff3d0987"


def convert_binarized_mnist(source: Path, *, unchecked: bool = False) -> Conversion:
    """Packs `binarized_mnist_{train,valid,test}.amat` into bits.

    Arguments:
        source: The folder with the three files: text, a row of 784 times 0 or 1 for each image, or
            MATLAB files (`.amat` or `.mat`) with one such array.
        unchecked: Accept content that is not the published one.

    Raises:
        RequestError: A file is missing, corrupt or not the published one.
    """
    packed = {f"{part}_packed": np.packbits(_read(_find(source, part)), axis=1) for part in PARTS}
    outcome = verify("the content", content_sum(*packed.values()), KNOWN, unchecked=unchecked)
    return Conversion({"binarized_mnist/binarized_mnist.npz": npz_bytes(**packed)}, outcome)


def _find(folder: Path, part: str) -> Path:
    names = [f"binarized_mnist_{part}.{suffix}" for suffix in ("amat", "mat")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise RequestError(f"there is neither {' nor '.join(names)} in {folder}", where="source")


def _read(file: Path) -> np.ndarray:
    """Images as rows, shape `(N, 784)`, uint8 in {0, 1}."""
    with file.open("rb") as opened:
        matlab = opened.read(6) == b"MATLAB"
    if matlab:
        arrays = [a for a in read_mat(file).values() if a.ndim == 2 and a.dtype.kind in "biuf"]
        if len(arrays) != 1:
            raise corrupt(file, f"{len(arrays)} arrays instead of one")
        bits = arrays[0]
    else:
        bits = _read_text(file)
    if bits.ndim != 2 or bits.shape[1] != 784:
        raise corrupt(file, f"an array of shape {bits.shape} instead of rows of 784")
    if not ((bits == 0) | (bits == 1)).all():
        raise corrupt(file, "values other than 0 and 1")
    return bits.astype(np.uint8)


def _read_text(file: Path) -> np.ndarray:
    # By single characters: there are 55 million numbers, and all of them are 0 or 1.
    rows = [line.replace(b" ", b"") for line in file.read_bytes().splitlines()]
    rows = [row for row in rows if row]
    if {len(row) for row in rows} != {784}:
        raise corrupt(file, "not all lines are 784 times 0 or 1")
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, 784) - ord("0")
