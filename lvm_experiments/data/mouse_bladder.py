"""MouseBladder: genes counted in single cells of a mouse's bladder."""

from __future__ import annotations

__all__ = ["MouseBladder"]

from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import data_folder
from lvm_experiments.data.sparse_counts import labels_of, read_counts
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability


class MouseBladder(DataSet):
    """2,100 single cells, 20,670 genes counted in each, 95 % of the counts 0; 16 types of cells.

    The set has no official split; this one is drawn with a seed.

    Arguments:
        path: The folder that holds `counts/mouse_bladder_counts.npz` and `counts/mouse_bladder_labels.npy`, only
            ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: The share (below 1) or number of examples for validation.
        test: The share (below 1) or number of examples for test.
        split_seed: Of the shuffle before the cut.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: A file is missing or corrupt, or too many cells are to be held out.

    Example:
        >>> MouseBladder(path="data").split_seed
        0

    References:
        Mapping the mouse cell atlas by Microwell-seq (Han et al., 2018);
        Clustering single-cell RNA-seq data with a model-based deep learning approach (Tian et al., 2019)
    """

    name = "mouse_bladder"
    outline = DataSpec("counts", (20670,), classes=16)

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
        """Reads counts and labels, and cuts them."""
        folder, original = data_folder(self.path) / "counts", "the bladder cells of scDeepCluster"
        x = read_counts(folder / "mouse_bladder_counts.npz", original)
        label, classes = labels_of(folder / "mouse_bladder_labels.npy", len(x), original)
        train, val, test = complete(
            Split(x, label), None, None, validation=self.validation, testing=self.test, seed=self.split_seed
        )
        return Data(self.name, self.outline.replace(shape=tuple(x.shape[1:]), classes=classes), train, val, test)
