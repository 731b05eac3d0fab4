"""Uci: small tables of measurements."""

from __future__ import annotations

__all__ = ["Uci"]

import csv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import FAULTS, corrupt, data_folder, missing
from lvm_experiments.data.split import Split
from lvm_experiments.data.summary import summary
from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability, UciTable

# The last column of each, and whether it is a class; a strength is neither class nor feature.
TARGETS = {
    "banknote": ("class", True),
    "breast_cancer": ("class", True),
    "concrete": ("strength", False),
    "wine_red": ("quality", True),
    "wine_white": ("quality", True),
    "yeast": ("class", True),
}


class Uci(DataSet):
    """A table of the UCI repository: real columns, the target left out and kept as label where it is a class.

    | table | examples | columns | classes |
    | --- | --- | --- | --- |
    | banknote | 1,372 | 4 | 2 |
    | breast_cancer | 569 | 30 | 2 |
    | concrete | 1,030 | 8 | none |
    | wine_red | 1,599 | 11 | 6, the quality |
    | wine_white | 4,898 | 11 | 7, the quality |
    | yeast | 1,484 | 8 | 10 |

    Arguments:
        path: The folder that holds `uci/NAME.csv`, only ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        name: Which table.
        standardise: Whether columns are centred and divided by their deviation, both of the training rows, as
            published work on missing values has them; the data's own values are then the standardised ones.
            `observation.standardise` does the same for the model alone and reports in the original units.
        validation: The share (below 1) or number of examples for validation.
        test: The share (below 1) or number of examples for test.
        split_seed: Of the shuffle before the cut.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: There is no such table, its file is missing or corrupt, or too many rows are to be held out.

    Example:
        >>> Uci(path="data", name="wine_red").table
        'wine_red'

    References:
        UCI machine learning repository, https://archive.ics.uci.edu;
        MIWAE: deep generative modelling and imputation of incomplete data sets (Mattei, Frellsen, 2019),
        https://arxiv.org/abs/1812.02633
    """

    name = "uci"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        name: UciTable = "banknote",
        standardise: bool = True,  # noqa: FBT001, FBT002 - a key of the configuration
        validation: PositiveFloat = 0.1,
        test: PositiveFloat = 0.1,
        split_seed: NonNegativeInt = 0,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        if name not in TARGETS:
            meant = nearest(name, TARGETS)
            hint = f"did you mean {meant}?" if meant else f"tables are {', '.join(TARGETS)}"
            raise RequestError(f"no table is called {name!r}", where="data.name", hint=hint)
        self.table = name
        self.standardise = standardise
        self.validation = validation
        self.test = test
        self.split_seed = split_seed

    def read(self) -> Data:
        """Reads the table, cuts it, and standardises it where asked to."""
        file = data_folder(self.path) / "uci" / f"{self.table}.csv"
        if not file.is_file():
            raise missing(file, original=f"the table {self.table} of the UCI repository, with a line of names")
        x, label, classes = _read(file, *TARGETS[self.table])
        train, val, test = complete(
            Split(x, label), None, None, validation=self.validation, testing=self.test, seed=self.split_seed
        )
        if self.standardise:
            mean, std = summary(train)
            std = torch.where(std > 0, std, 1.0)
            train, val, test = (Split((split.x - mean) / std, split.label) for split in (train, val, test))
        return Data(self.name, DataSpec("real", tuple(x.shape[1:]), classes=classes), train, val, test)


def _read(file: Path, target: str, is_class: bool) -> tuple[Tensor, Tensor | None, int]:  # noqa: FBT001
    """Features, labels and how many classes there are."""
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            names, *rows = csv.reader(opened)
        if not rows or names[-1] != target:
            raise ValueError(f"columns {', '.join(names)} instead of some and {target}")
        x = np.array([[float(cell) for cell in row[:-1]] for row in rows], dtype=np.float32)
    except FAULTS as error:
        raise corrupt(file, error) from error
    if not is_class:
        return torch.from_numpy(x), None, 0
    words = [row[-1] for row in rows]
    values, numbers = np.unique(np.array(words), return_inverse=True)
    return torch.from_numpy(x), torch.from_numpy(numbers.astype(np.int64)), len(values)
