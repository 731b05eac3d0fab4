"""Newsgroups: words of posts to twenty newsgroups."""

from __future__ import annotations

__all__ = ["Newsgroups"]

from lvm_experiments.data.cut import cut, seeded_permutation
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import data_folder
from lvm_experiments.data.sparse_counts import labels_of, read_counts
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class Newsgroups(DataSet):
    """20 Newsgroups as bags of 2,000 words; 10,268 / 1,000 / 7,505 posts of 20 groups.

    Validation is cut from the training posts after a fixed shuffle; the test posts are the later ones, as given.

    Arguments:
        path: The folder that holds `counts/20news_{train,test}.npz` and `counts/20news_{train,test}_labels.npy`,
            only ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the shuffled training posts are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: A file is missing or corrupt, or too many posts are to be held out.

    Example:
        >>> Newsgroups(path="data").validation
        1000

    References:
        NewsWeeder: learning to filter netnews (Lang, 1995);
        Neural variational inference for text processing (Miao, Yu, Blunsom, 2016),
        https://arxiv.org/abs/1511.06038
    """

    name = "newsgroups"
    outline = DataSpec("counts", (2000,), classes=20)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 1000,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation

    def read(self) -> Data:
        """Reads the counts and labels of both parts."""
        train = self._part("train")
        train = train.select(seeded_permutation(len(train), seed=0))
        train, val = cut(train, self.validation, where="data.validation")
        return Data(self.name, self.outline.replace(shape=tuple(train.x.shape[1:])), train, val, self._part("test"))

    def _part(self, part: str) -> Split:
        folder, original = data_folder(self.path) / "counts", "the bags of words of NVDM (2,000 words)"
        x = read_counts(folder / f"20news_{part}.npz", original)
        return Split(x, labels_of(folder / f"20news_{part}_labels.npy", len(x), original)[0])
