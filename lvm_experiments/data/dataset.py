"""What all data sets have in common."""

from __future__ import annotations

__all__ = ["DataSet"]

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

import torch

from lvm_experiments.data.check import check
from lvm_experiments.data.data import Data
from lvm_experiments.data.incomplete import hide_cells, hide_labels
from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.data.summary import summary
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec


class DataSet(ABC):
    """A data set as it is asked for: the constructor notes what is wanted, `load` reads it.

    To add one, write a subclass with a `read` that returns `Data` with the space, shape, levels
    and classes in its spec, and a file in `conf/data` with the constructor's arguments. The
    simplest example is `Digits`.

    Arguments:
        path: The folder of data sets, only ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits; a fixed seed, so that
            every run on these data misses the same.
        labelled: How many training labels are kept, of all classes alike; the others become -1. None for all.

    Attributes:
        outline: Space, shape, levels and classes, where they are known before anything is read: what cannot go
            together is then refused before a file is opened or fetched.
    """

    name: str = ""
    outline: ClassVar[DataSpec | None] = None
    shuffle: bool = True  # training examples anew each epoch; else they keep their order
    num_workers: int = 0  # processes that read streamed examples; data in memory need none

    def __init__(
        self,
        path: str | None,
        batch_size: int,
        limit: int | None,
        missing: float = 0.0,
        labelled: int | None = None,
    ) -> None:
        for key, value in {"batch_size": batch_size, "limit": limit, "labelled": labelled}.items():
            if value is not None and value < 1:
                raise RequestError(f"must be at least 1, is {value}", where=f"data.{key}")
        if not 0 <= missing < 1:
            raise RequestError(f"must be at least 0 and below 1, is {missing:g}", where="data.missing")
        self.path = path
        self.batch_size = batch_size
        self.limit = limit
        self.missing = missing
        self.labelled = labelled

    @abstractmethod
    def read(self) -> Data:
        """Reads all splits; the spec's size, mean and std are left to `load`.

        Raises:
            RequestError: A file is missing or corrupt, or a size is out of range.
        """

    def load(self) -> Data:
        """Reads the data, checks them once, and completes the spec with the training summary.

        Raises:
            RequestError: A file is missing or corrupt, a size is out of range, or the data are not
                what they say: NaN, values outside their space, labels that are none.
        """
        data = self.read()
        check(data)
        if self.limit is not None and self.limit < len(data.train):
            data = replace(data, train=data.train.select(torch.arange(self.limit)))
        data = self._incomplete(data)
        mean, std = summary(data.train)
        return replace(data, spec=data.spec.replace(size=len(data.train), mean=mean, std=std))

    def _incomplete(self, data: Data) -> Data:
        """The data without the cells and labels that are to be hidden."""
        for key, wanted in {"missing": self.missing > 0, "labelled": self.labelled is not None}.items():
            if wanted and not all(isinstance(split, Split) for split in (data.train, data.val, data.test)):
                raise RequestError(f"{data.name} is read while training, where nothing is hidden", where=f"data.{key}")
        if self.missing:
            splits = (data.train, data.val, data.test)
            train, val, test = (hide_cells(_held(split), self.missing, seed) for seed, split in enumerate(splits))
            data = replace(data, train=train, val=val, test=test)
        if self.labelled is not None:
            data = replace(data, train=hide_labels(_held(data.train), self.labelled, data.spec.classes))
        return data


def _held(split: Split | StreamedSplit) -> Split:
    assert isinstance(split, Split)
    return split
