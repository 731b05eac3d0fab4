"""Examples that do not fit into memory and are read when they are needed."""

from __future__ import annotations

__all__ = ["StreamedSplit"]

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lvm_experiments.batch import Batch


class StreamedSplit(ABC):
    """N examples that are read one by one, by worker processes where there are any.

    A subclass writes `__len__` and `__getitem__`; reading an example twice must give the same
    values. It is sent to worker processes, so it holds names of files rather than open ones.
    The simplest example is `ImageFiles`.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, row: int) -> tuple[Tensor, int | None]:
        """One example and its label.

        Arguments:
            row: The number of the example.

        Returns:
            x of shape `(*shape)` in raw type and units, and the label or None.

        Raises:
            RequestError: The example cannot be read.
        """

    def take(self, rows: Tensor) -> Batch:
        """The examples with these numbers as one batch.

        Arguments:
            rows: Numbers of examples in this split, shape `(B,)`, int64.
        """
        x, label = zip(*(self[row] for row in rows.tolist()), strict=True)
        labels = None if label[0] is None else torch.tensor(label)
        return Batch(torch.stack(x), label=labels, index=rows)

    def select(self, rows: Tensor) -> StreamedSplit:
        """A split of the examples with these numbers, in this order, numbered anew.

        Arguments:
            rows: Numbers of examples in this split, shape `(M,)`, int64.
        """
        return _Selection(self, rows.tolist())


class _Selection(StreamedSplit):
    def __init__(self, split: StreamedSplit, rows: list[int]) -> None:
        self.split, self.rows = split, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> tuple[Tensor, int | None]:
        return self.split[self.rows[row]]
