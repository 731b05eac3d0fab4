"""The loaders of a run."""

from __future__ import annotations

__all__ = ["Loaders"]

from math import ceil

import torch

from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.loader import IndexLoader
from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit


class Loaders:
    """Makes the loaders of training and validation batches, where the rank is known.

    Arguments:
        data: The data.
        dataset: How they are to be batched.
        seed: Of the order of the training examples.
    """

    def __init__(self, data: Data, dataset: DataSet, seed: int) -> None:
        self.data, self.dataset, self.seed = data, dataset, seed

    def train(self, rank: int, world: int, limit: float | int, overfit: float | int = 0) -> IndexLoader:
        """Training batches, shuffled anew each epoch unless the data set keeps its order.

        Arguments:
            rank: The number of this process.
            world: How many there are.
            limit: Lightning's `limit_train_batches`: so many batches of an epoch.
            overfit: Lightning's `overfit_batches`: so many batches are all there is to train on.
        """
        split = self._first(overfit) if overfit else self.data.train
        batches = None if overfit else self.batches(limit)
        return IndexLoader(
            split,
            self.dataset.batch_size,
            seed=self.seed,
            shuffle=True,
            fixed_order=not self.dataset.shuffle,
            rank=rank,
            world=world,
            num_workers=self.dataset.num_workers,
            max_batches=batches,
        )

    def val(self, rank: int, world: int, overfit: float | int = 0) -> IndexLoader:
        """Validation batches in order. Larger than those of training, whose gradients want them small."""
        split = self._first(overfit) if overfit else self.data.val
        size = max(500, self.dataset.batch_size)
        return IndexLoader(split, size, rank=rank, world=world, num_workers=self.dataset.num_workers)

    def batches(self, limit: float | int) -> int:
        """How many batches of an epoch a number of them, or a share, is."""
        whole = ceil(len(self.data.train) / self.dataset.batch_size)
        return min(limit, whole) if isinstance(limit, int) else max(1, int(limit * whole))

    def _first(self, batches: float | int) -> Split | StreamedSplit:
        examples = min(self.batches(batches) * self.dataset.batch_size, len(self.data.train))
        return self.data.train.select(torch.arange(examples))
