"""Digits: 1,797 small handwritten digits that come with scikit-learn."""

from __future__ import annotations

__all__ = ["Digits"]

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.cut import cut, seeded_permutation
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class Digits(DataSet):
    """Handwritten digits, 8 x 8 cells of 17 levels; 1,257 / 180 / 360 unless said otherwise.

    The set has no official split. This one is fixed: a permutation under which every stretch holds
    the ten classes in their proportions, its last examples for test, those before for validation.

    Arguments:
        path: Not used, since the digits come with scikit-learn; taken so that one command line
            serves every data set.
        batch_size: Examples in a batch, over all processes.
        validation: How many examples are held out for validation.
        test: How many examples are held out for test.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: More examples are to be held out than there are.

    Example:
        >>> data = Digits().load()
        >>> len(data.train), len(data.val), len(data.test), data.spec.shape, data.spec.levels
        (1257, 180, 360, (1, 8, 8), 17)

    References:
        Optical Recognition of Handwritten Digits (Alpaydin, Kaynak, 1998), UCI
    """

    name = "digits"
    outline = DataSpec("bytes", (1, 8, 8), levels=17, classes=10)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 180,
        test: PositiveInt = 360,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation
        self.test = test

    def read(self) -> Data:
        """Reads the digits from the installed scikit-learn."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        x = torch.from_numpy(digits.images.astype(np.uint8)).unsqueeze(1)
        label = torch.from_numpy(digits.target.astype(np.int64))
        whole = Split(x, label).select(_stratified(label))
        rest, test = cut(whole, self.test, where="data.test", minimum=2)
        train, val = cut(rest, self.validation, where="data.validation")
        return Data(self.name, self.outline, train, val, test)


def _stratified(label: Tensor) -> Tensor:
    """A fixed permutation, shape `(N,)`, in which the classes are spread evenly."""
    order = seeded_permutation(len(label), seed=0)
    place = torch.empty(len(label), dtype=torch.float64)
    for value in label.unique():
        rows = order[label[order] == value]
        place[rows] = (torch.arange(len(rows), dtype=torch.float64) + 0.5) / len(rows)
    return order[place[order].argsort(stable=True)]
