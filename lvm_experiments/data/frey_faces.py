"""FreyFaces: 1,965 frames of one man's face."""

from __future__ import annotations

__all__ = ["FreyFaces"]

import numpy as np
import torch

from lvm_experiments.data.cut import cut, seeded_permutation
from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import corrupt, data_folder, missing, read_npz
from lvm_experiments.data.split import Split
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability


class FreyFaces(DataSet):
    """Frames of a face, 28 x 20 bytes; 1,565 / 200 / 200 after a fixed shuffle.

    Consecutive frames are alike, so validation and test images have near doubles in training.

    Arguments:
        path: The folder that holds `freyfaces/freyfaces.npz`, only ever read; None for the cache
            folder. The file's array is `images`.
        batch_size: Examples in a batch, over all processes.
        validation: How many frames are held out for validation.
        test: How many frames are held out for test.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: The file is missing or corrupt, or too many frames are to be held out.

    Example:
        >>> FreyFaces(path="data").test
        200

    References:
        Nonlinear Dimensionality Reduction by Locally Linear Embedding (Roweis, Saul, 2000);
        VAE with a VampPrior (Tomczak, Welling, 2018), https://arxiv.org/abs/1705.07120
    """

    name = "frey_faces"
    outline = DataSpec("bytes", (1, 28, 20), levels=256)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 200,
        test: PositiveInt = 200,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        self.validation = validation
        self.test = test

    def read(self) -> Data:
        """Reads the frames."""
        file = data_folder(self.path) / "freyfaces" / "freyfaces.npz"
        if not file.is_file():
            raise missing(file, original="freyfaces.pkl or frey_rawface.mat", command="frey_faces FILE")
        images = read_npz(file, ("images",))["images"]
        if images.dtype != np.uint8 or images.ndim != 3:
            raise corrupt(file, f"images are {images.dtype} of shape {images.shape}")
        whole = Split(torch.from_numpy(images).unsqueeze(1))
        whole = whole.select(seeded_permutation(len(whole), seed=0))
        rest, test = cut(whole, self.test, where="data.test", minimum=2)
        train, val = cut(rest, self.validation, where="data.validation")
        return Data(self.name, self.outline.replace(shape=tuple(whole.x.shape[1:])), train, val, test)
