"""Pbmc3k: genes counted in single blood cells."""

from __future__ import annotations

__all__ = ["Pbmc3k"]

from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import data_folder
from lvm_experiments.data.sparse_counts import read_counts
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability


class Pbmc3k(DataSet):
    """A part of 10x's 3k PBMC: 283 blood cells, 914 genes counted in each; small, for quick looks.

    The set has neither an official split nor labels; the split is drawn with a seed.

    Arguments:
        path: The folder that holds `counts/pbmc3k_subset_counts.npz`, only ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: The share (below 1) or number of examples for validation.
        test: The share (below 1) or number of examples for test.
        split_seed: Of the shuffle before the cut.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells to hide at random, in all splits.
        labelled: Not used, since there are no labels; taken as by every data set.

    Raises:
        RequestError: The file is missing or corrupt, or too many cells are to be held out.

    Example:
        >>> Pbmc3k(path="data").split_seed
        0

    References:
        Massively parallel digital transcriptional profiling of single cells (Zheng et al., 2017)
    """

    name = "pbmc3k"
    outline = DataSpec("counts", (914,))

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveFloat = 0.1,
        test: PositiveFloat = 0.1,
        split_seed: NonNegativeInt = 0,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation
        self.test = test
        self.split_seed = split_seed

    def read(self) -> Data:
        """Reads the counts and cuts them."""
        file = data_folder(self.path) / "counts" / "pbmc3k_subset_counts.npz"
        x = read_counts(file, "the pbmc subset of sctransform")
        train, val, test = complete(
            Split(x), None, None, validation=self.validation, testing=self.test, seed=self.split_seed
        )
        return Data(self.name, self.outline.replace(shape=tuple(x.shape[1:])), train, val, test)
