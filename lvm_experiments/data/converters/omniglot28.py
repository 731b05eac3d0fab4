"""OMNIGLOT at 28 x 28 from Burda's file or from the drawings."""

from __future__ import annotations

__all__ = ["convert_omniglot28"]

from pathlib import Path

import numpy as np

from lvm_experiments.data.converters.conversion import Conversion, npz_bytes, rows_sum
from lvm_experiments.data.cut import seeded_permutation
from lvm_experiments.data.files import corrupt, read_mat
from lvm_experiments.data.image_files import find_images
from lvm_experiments.errors import RequestError

PARTS = ("images_background", "images_evaluation")
TRAIN, TEST = 24345, 8070  # the sizes of chardata.mat
KNOWN_IMAGES = "6c127d6d5f11c6cd8b0fd9c3058bbd34943b720d0e8f7eaf8dcbb7dafc9170bf"
"""The sum of the images made from the drawings, in sorted order."""


def convert_omniglot28(source: Path, *, unchecked: bool = False) -> Conversion:
    """Reads `chardata.mat`, or scales down the drawings of 105 x 105.

    From drawings the split is drawn with a seed in the sizes of `chardata.mat`; neither it nor the
    scaling is Burda's, so that nats are not comparable with papers.

    Arguments:
        source: `chardata.mat`, or the folder with `images_background` and `images_evaluation`,
            each with `ALPHABET/CHARACTER/*.png`.
        unchecked: Accept numbers of images that are not the published ones.

    Raises:
        RequestError: A file is missing, corrupt or of another layout.
    """
    images, char, train = _matlab(source) if source.is_file() else _drawings(source)
    numbers = np.arange(len(images), dtype=np.int32)
    if source.is_file():
        checked = "shapes and range were checked; no sum of chardata.mat is known to compare with."
        train_idx, test_idx = numbers[:train], numbers[train:]
        sizes = (len(train_idx), len(test_idx))
    else:
        same = rows_sum(images) == KNOWN_IMAGES
        checked = (
            f"the images are {'' if same else 'not '}those of the known copy; its order of "
            "alphabets is not known, so the split is one of its own."
        )
        order = seeded_permutation(len(images), seed=0).numpy().astype(np.int32)
        train_idx, test_idx = np.sort(order[:train]), np.sort(order[train:][:TEST])
        sizes = (TRAIN, TEST) if len(images) == 32460 else (len(train_idx), len(test_idx))
    if sizes != (TRAIN, TEST):
        what = f"{sizes[0]} + {sizes[1]} images instead of {TRAIN} + {TEST}"
        if not unchecked:
            hint = "get the whole of it, or give --unchecked to write it all the same"
            raise RequestError(what, where="source", hint=hint)
        checked = f"{what}; {checked}"
    arrays = {"images": images, "char": char, "train_idx": train_idx, "test_idx": test_idx}
    return Conversion({"omniglot/omniglot28.npz": npz_bytes(**arrays)}, checked)


def _matlab(file: Path) -> tuple[np.ndarray, np.ndarray, int]:
    keys = ("data", "testdata", "target", "testtarget", "targetchar", "testtargetchar")
    found = read_mat(file, keys)
    cells = np.concatenate([found["data"].T, found["testdata"].T])
    if cells.ndim != 2 or cells.shape[1] != 784:
        raise corrupt(file, f"data of shape {found['data'].shape} instead of columns of 784")
    if not (cells.min() >= 0 and cells.max() <= 1):  # false for NaN as well
        raise corrupt(file, f"values from {cells.min():g} to {cells.max():g} instead of 0 to 1")
    # Columns of an image come first, as always in MATLAB.
    images = np.rint(255 * cells).astype(np.uint8).reshape(-1, 28, 28).transpose(0, 2, 1)
    alphabet = np.concatenate([found["target"].argmax(0), found["testtarget"].argmax(0)])
    number = np.concatenate([found["targetchar"].ravel(), found["testtargetchar"].ravel()])
    if len(alphabet) != len(cells) or len(number) != len(cells):
        raise corrupt(file, f"{len(number)} characters for {len(cells)} images")
    _, char = np.unique(np.stack([alphabet, number]), axis=1, return_inverse=True)
    return np.ascontiguousarray(images), char.ravel().astype(np.int16), found["data"].shape[1]


def _drawings(folder: Path) -> tuple[np.ndarray, np.ndarray, int]:
    from PIL import Image

    files: list[Path] = []
    for part in PARTS:
        found = find_images(folder / part)
        if not found:
            raise RequestError(f"there are no drawings in {folder / part}", where="source")
        files += found
    images = np.empty((len(files), 28, 28), dtype=np.uint8)
    for row, file in enumerate(files):
        try:
            with Image.open(file) as drawing:
                small = drawing.convert("L").resize((28, 28), Image.Resampling.BOX)
        except (OSError, SyntaxError, ValueError) as error:
            raise corrupt(file, error) from error
        images[row] = 255 - np.asarray(small)  # ink high
    characters = {folder: number for number, folder in enumerate(dict.fromkeys(f.parent for f in files))}
    char = np.array([characters[file.parent] for file in files], dtype=np.int16)
    return images, char, round(len(files) * TRAIN / 32460)
