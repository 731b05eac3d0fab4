"""What a data set gives once it is loaded."""

from __future__ import annotations

__all__ = ["Data"]

from dataclasses import dataclass

from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit
from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.spec import DataSpec


@dataclass
class Data:
    """Training, validation and test examples, and what a model has to know of them.

    Arguments:
        name: The name of the data set.
        spec: The space of the raw observations and the summary of the training examples.
        train: What is learned from.
        val: What decides between models.
        test: What is reported.
    """

    name: str
    spec: DataSpec
    train: Split | StreamedSplit
    val: Split | StreamedSplit
    test: Split | StreamedSplit

    def split(self, name: str) -> Split | StreamedSplit:
        """The split of this name.

        Arguments:
            name: `train`, `val` or `test`.

        Raises:
            RequestError: There is no such split.
        """
        splits = {"train": self.train, "val": self.val, "test": self.test}
        if name not in splits:
            meant = nearest(name, splits)
            hint = f"did you mean {meant}?" if meant else f"splits are {', '.join(splits)}"
            raise RequestError(f"no split is called {name!r}", where="split", hint=hint)
        return splits[name]
