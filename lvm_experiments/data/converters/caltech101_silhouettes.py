"""Caltech 101 Silhouettes from MATLAB files."""

from __future__ import annotations

__all__ = ["convert_caltech101_silhouettes"]

from hashlib import sha256
from pathlib import Path

import numpy as np

from lvm_experiments.data.converters.conversion import Conversion, npz_bytes, rows_sum, verify
from lvm_experiments.data.cut import seeded_permutation
from lvm_experiments.data.files import corrupt, read_mat

SIZES = {"train": 4100, "val": 2264, "test": 2307}
KNOWN_FILE = "862d0a4b828256d54ad5de7c5066c18c72f355cac5b7cde4c1c3be7c000d180b"
KNOWN_IMAGES = "051e4debcf04cfda76127ae2cd7c04a1481948007e500cd9d86f2f8cf8dd49ac"
"""The sum of the images of that file, turned, in sorted order."""


def convert_caltech101_silhouettes(source: Path, *, unchecked: bool = False) -> Conversion:
    """Makes the files of either split, whichever the source is for.

    Arguments:
        source: `caltech101_silhouettes_28.mat` (arrays `X`, `Y`), which is copied and gets a split
            drawn with a seed; or `caltech101_silhouettes_28_split1.mat` (arrays `train_data`,
            `train_labels`, ...), the split of the papers.
        unchecked: Accept a file or images that are not the known ones.

    Raises:
        RequestError: The file is corrupt, of another layout or not the known one.
    """
    found = read_mat(source)
    return (_whole if "X" in found else _split1)(source, found, unchecked)


def _whole(source: Path, found: dict[str, np.ndarray], unchecked: bool) -> Conversion:  # noqa: FBT001
    content = source.read_bytes()
    outcome = verify("the file", sha256(content).hexdigest(), KNOWN_FILE, unchecked=unchecked)
    order = seeded_permutation(len(found["X"]), seed=0).numpy().astype(np.int16)
    train, val = SIZES["train"], SIZES["train"] + SIZES["val"]
    parts = {"train": order[:train], "val": order[train:val], "test": order[val:]}
    if len(parts["test"]) == 0:
        raise corrupt(source, f"{len(order)} images instead of {sum(SIZES.values())}")
    split = npz_bytes(**{part: np.sort(rows) for part, rows in parts.items()})
    folder = "caltech101_silhouettes"
    names = {"caltech101_silhouettes_28.mat": content, "split_seed0.npz": split}
    return Conversion({f"{folder}/{name}": data for name, data in names.items()}, outcome)


def _split1(source: Path, found: dict[str, np.ndarray], unchecked: bool) -> Conversion:  # noqa: FBT001
    arrays: dict[str, np.ndarray] = {}
    for part in SIZES:
        for key in (f"{part}_data", f"{part}_labels"):
            if key not in found:
                raise corrupt(source, f"it has neither X nor {key}")
        x, label = found[f"{part}_data"], found[f"{part}_labels"].ravel()
        if x.ndim != 2 or x.shape[1] != 784 or len(label) != len(x):
            raise corrupt(source, f"{part}_data is of shape {x.shape}")
        if not ((x == 0) | (x == 1)).all():
            raise corrupt(source, f"{part}_data has values other than 0 and 1")
        # MATLAB's columns come first, and the object is 0.
        turned = 1 - x.astype(np.uint8).reshape(-1, 28, 28).transpose(0, 2, 1)
        arrays[part] = np.ascontiguousarray(turned)
        arrays[f"{part}_labels"] = label.astype(np.int16) - 1
    images = rows_sum(np.concatenate([arrays[part] for part in SIZES]))
    outcome = verify("the set of images", images, KNOWN_IMAGES, unchecked=unchecked)
    checked = f"{outcome} No sum of the split itself is known to compare with."
    name = "caltech101_silhouettes/caltech101_silhouettes_28_split1.npz"
    return Conversion({name: npz_bytes(**arrays)}, checked)
