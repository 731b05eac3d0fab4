"""Mnist: 70,000 handwritten digits."""

from __future__ import annotations

__all__ = ["Mnist"]

from lvm_experiments.data.idx_images import IdxImages
from lvm_experiments.types import PositiveInt, Probability


class Mnist(IdxImages):
    """Handwritten digits, 28 x 28 bytes; 50,000 / 10,000 / 10,000, cut as in the papers.

    Arguments:
        path: The folder that holds `MNIST/raw`, only ever read; None to download it into
            the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the last of the 60,000 training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.
        shuffle: Whether training goes through the examples in another order in every epoch; else in this one.

    Raises:
        RequestError: A file is missing or corrupt, or too many images are to be held out.

    Example:
        >>> Mnist(path="data", limit=1000).validation
        10000

    References:
        Gradient-Based Learning Applied to Document Recognition
        (LeCun, Bottou, Bengio, Haffner, 1998)
    """

    name = "mnist"
    folder = "MNIST"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 10000,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
        *,
        shuffle: bool = True,
    ) -> None:
        super().__init__(path, batch_size, validation, limit, missing, labelled)
        self.shuffle = shuffle
