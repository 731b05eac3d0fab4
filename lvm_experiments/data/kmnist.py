"""Kmnist: 70,000 cursive Japanese characters."""

from __future__ import annotations

__all__ = ["Kmnist"]

from lvm_experiments.data.idx_images import IdxImages
from lvm_experiments.types import PositiveInt, Probability


class Kmnist(IdxImages):
    """Cursive Japanese characters, 28 x 28 bytes; 50,000 / 10,000 / 10,000.

    Arguments:
        path: The folder that holds `KMNIST/raw`, only ever read; None to download it into
            the cache folder.
        batch_size: Examples in a batch, over all processes.
        validation: How many of the last of the 60,000 training images are held out.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: A file is missing or corrupt, or too many images are to be held out.

    Example:
        >>> Kmnist(path="data").batch_size
        128

    References:
        Deep Learning for Classical Japanese Literature
        (Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto, Ha, 2018), https://arxiv.org/abs/1812.01718
    """

    name = "kmnist"
    folder = "KMNIST"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        validation: PositiveInt = 10000,
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, validation, limit, missing, labelled)
