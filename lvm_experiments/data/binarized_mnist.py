"""BinarizedMnist: MNIST, binarised once and for all."""

from __future__ import annotations

__all__ = ["BinarizedMnist"]

import numpy as np
import torch

from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import corrupt, data_folder, missing, read_npz
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class BinarizedMnist(DataSet):
    """Statically binarised digits, 28 x 28 cells in {0, 1}; 50,000 / 10,000 / 10,000 as given.

    Arguments:
        path: The folder that holds `binarized_mnist/binarized_mnist.npz`, only ever read; None for
            the cache folder. The file's arrays are `{train,valid,test}_packed`, bits in rows.
        batch_size: Examples in a batch, over all processes.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.
        shuffle: Whether training goes through the examples in another order in every epoch; else in this one.

    Raises:
        RequestError: The file is missing or corrupt.

    Example:
        >>> BinarizedMnist(path="data").batch_size
        128

    References:
        The Neural Autoregressive Distribution Estimator (Larochelle, Murray, 2011)
    """

    name = "binarized_mnist"
    outline = DataSpec("binary", (1, 28, 28), levels=2)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
        *,
        shuffle: bool = True,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.shuffle = shuffle

    def read(self) -> Data:
        """Reads and unpacks the three splits."""
        file = data_folder(self.path) / "binarized_mnist" / "binarized_mnist.npz"
        if not file.is_file():
            raise missing(
                file,
                original="binarized_mnist_{train,valid,test}.amat (Larochelle and Murray 2011)",
                command="binarized_mnist FOLDER_WITH_THEM",
            )
        keys = ("train_packed", "valid_packed", "test_packed")
        splits = []
        for key, packed in read_npz(file, keys).items():
            if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] != 98:
                raise corrupt(file, f"{key} is {packed.dtype} of shape {packed.shape}")
            bits = np.unpackbits(packed, axis=1).reshape(-1, 1, 28, 28)
            splits.append(Split(torch.from_numpy(bits)))
        return Data(self.name, self.outline, *splits)
