"""Svhn: house numbers from street views."""

from __future__ import annotations

__all__ = ["Svhn"]

import torch

from lvm_experiments.data.cut import cut
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.download import torchvision_set
from lvm_experiments.data.files import data_folder
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class Svhn(DataSet):
    """Cropped digits of house numbers, 3 x 32 x 32 bytes; 68,257 / 5,000 / 26,032.

    Arguments:
        path: The folder that holds `SVHN/{train,test}_32x32.mat`, only ever read; None to download
            them into the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the last of the 73,257 training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: Files are missing or corrupt, or too many images are to be held out.

    Example:
        >>> Svhn(path="data").validation
        5000

    References:
        Reading Digits in Natural Images with Unsupervised Feature Learning
        (Netzer, Wang, Coates, Bissacco, Wu, Ng, 2011)
    """

    name = "svhn"
    outline = DataSpec("bytes", (3, 32, 32), levels=256, classes=10)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 5000,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation

    def read(self) -> Data:
        """Reads the MATLAB files through torchvision."""
        train, val = cut(self._part("train"), self.validation, where="data.validation")
        return Data(self.name, self.outline, train, val, self._part("test"))

    def _part(self, split: str) -> Split:
        found = torchvision_set(
            "SVHN",
            data_folder(self.path) / "SVHN",
            download=self.path is None,
            original="train_32x32.mat and test_32x32.mat (cropped digits) as SVHN/*.mat",
            split=split,
        )
        return Split(torch.from_numpy(found.data), torch.from_numpy(found.labels).long())
