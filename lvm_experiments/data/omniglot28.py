"""Omniglot28: handwritten characters of fifty alphabets."""

from __future__ import annotations

__all__ = ["Omniglot28"]

import numpy as np
import torch

from lvm_experiments.data.cut import cut, seeded_permutation
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import corrupt, data_folder, missing, read_npz
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class Omniglot28(DataSet):
    """Handwritten characters, 28 x 28 bytes, ink high; 23,000 / 1,345 / 8,070.

    Validation is cut from the training images after a fixed shuffle. Which split and resizing it
    is depends on what the converter was given: those of `chardata.mat` are the ones of the papers,
    those made from the drawings of 105 x 105 have its sizes and are not comparable with it.

    Arguments:
        path: The folder that holds `omniglot/omniglot28.npz`, only ever read; None for the cache
            folder. The file's arrays are `images`, `char`, `train_idx` and `test_idx`.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the shuffled training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.
        shuffle: Whether training goes through the examples in another order in every epoch; else in this one.

    Raises:
        RequestError: The file is missing or corrupt, or too many images are to be held out.

    Example:
        >>> Omniglot28(path="data").validation
        1345

    References:
        Human-level concept learning through probabilistic program induction
        (Lake, Salakhutdinov, Tenenbaum, 2015);
        Importance Weighted Autoencoders (Burda, Grosse, Salakhutdinov, 2015),
        https://arxiv.org/abs/1509.00519
    """

    name = "omniglot28"
    outline = DataSpec("bytes", (1, 28, 28), levels=256, classes=1623)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 1345,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
        *,
        shuffle: bool = True,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.shuffle = shuffle
        self.validation = validation

    def read(self) -> Data:
        """Reads the images and the row numbers of the two splits."""
        file = data_folder(self.path) / "omniglot" / "omniglot28.npz"
        if not file.is_file():
            raise missing(
                file,
                original="chardata.mat (Burda et al. 2015), or the folders images_background and "
                "images_evaluation of OMNIGLOT",
                command="omniglot28 FILE_OR_FOLDER",
            )
        found = read_npz(file, ("images", "char", "train_idx", "test_idx"))
        images, char = found["images"], found["char"].astype(np.int64)
        if images.dtype != np.uint8 or images.ndim != 3 or char.shape != images.shape[:1]:
            raise corrupt(file, f"images are {images.dtype} of shape {images.shape}")
        rows = {key: torch.from_numpy(found[key].astype(np.int64)) for key in ("train_idx", "test_idx")}
        for key, numbers in rows.items():
            if numbers.ndim != 1 or not ((numbers >= 0) & (numbers < len(images))).all():
                raise corrupt(file, f"{key} names rows that are not there")
        whole = Split(torch.from_numpy(images).unsqueeze(1), torch.from_numpy(char))
        train = whole.select(rows["train_idx"])
        train = train.select(seeded_permutation(len(train), seed=0))
        train, val = cut(train, self.validation, where="data.validation")
        spec = self.outline.replace(shape=tuple(whole.x.shape[1:]), classes=int(char.max()) + 1)
        return Data(self.name, spec, train, val, whole.select(rows["test_idx"]))
