"""Smfish: genes counted by microscope in cells of a mouse's cortex."""

from __future__ import annotations

__all__ = ["Smfish"]

import numpy as np
import torch

from lvm_experiments.data.cut import complete
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import corrupt, data_folder, missing, read_npz
from lvm_experiments.data.sparse_counts import whole_numbers
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import NonNegativeInt, PositiveFloat, PositiveInt, Probability


class Smfish(DataSet):
    """osmFISH: 4,530 cells of six types, 33 genes counted in each.

    The set has no official split; this one is drawn with a seed.

    Arguments:
        path: The folder that holds `counts/smfish.npz`, only ever read; None for the cache folder. The file's arrays
            are `counts` and `labels`.
        batch_size: Examples in a batch, over all processes.
        validation: The share (below 1) or number of examples for validation.
        test: The share (below 1) or number of examples for test.
        split_seed: Of the shuffle before the cut.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: The file is missing or corrupt, or too many cells are to be held out.

    Example:
        >>> Smfish(path="data").split_seed
        0

    References:
        Spatial organization of the somatosensory cortex revealed by osmFISH (Codeluppi et al., 2018)
    """

    name = "smfish"
    outline = DataSpec("counts", (33,), classes=6)

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
        file = data_folder(self.path) / "counts" / "smfish.npz"
        if not file.is_file():
            raise missing(file, original="the smFISH counts of scVI (osm_SScortex_mouse)")
        found = read_npz(file, ("counts", "labels"))
        counts, words = found["counts"], found["labels"]
        if counts.dtype.kind not in "iu" or counts.ndim != 2 or words.shape != counts.shape[:1]:
            raise corrupt(file, f"counts are {counts.dtype} of shape {counts.shape}, labels of {words.shape}")
        values, numbers = np.unique(words, return_inverse=True)
        label = torch.from_numpy(numbers.astype(np.int64))
        train, val, test = complete(
            Split(whole_numbers(counts), label),
            None,
            None,
            validation=self.validation,
            testing=self.test,
            seed=self.split_seed,
        )
        return Data(self.name, self.outline.replace(shape=counts.shape[1:], classes=len(values)), train, val, test)
