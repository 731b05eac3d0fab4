"""Cifar10: 60,000 small colour photographs."""

from __future__ import annotations

__all__ = ["Cifar10"]

import torch

from lvm_experiments.data.cut import cut
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.download import torchvision_set
from lvm_experiments.data.files import data_folder
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class Cifar10(DataSet):
    """Photographs of ten kinds of things, 3 x 32 x 32 bytes; 45,000 / 5,000 / 10,000.

    Arguments:
        path: The folder that holds `cifar-10-batches-py`, only ever read; None to download it into
            the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the last of the 50,000 training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: Files are missing or corrupt, or too many images are to be held out.

    Example:
        >>> Cifar10(path="data").validation
        5000

    References:
        Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009)
    """

    name = "cifar10"
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
        """Reads the batches through torchvision."""
        train, val = cut(self._part(train=True), self.validation, where="data.validation")
        return Data(self.name, self.outline, train, val, self._part(train=False))

    def _part(self, *, train: bool) -> Split:
        found = torchvision_set(
            "CIFAR10",
            data_folder(self.path),
            download=self.path is None,
            original="cifar-10-python.tar.gz and unpack it: the folder cifar-10-batches-py",
            train=train,
        )
        x = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
        return Split(x, torch.tensor(found.targets))
