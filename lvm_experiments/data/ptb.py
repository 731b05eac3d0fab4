"""Ptb: sentences of the Wall Street Journal."""

from __future__ import annotations

__all__ = ["Ptb"]

from pathlib import Path

from lvm_experiments.data.files import data_folder
from lvm_experiments.data.text import Text
from lvm_experiments.types import AtLeastTwo, PositiveInt


class Ptb(Text):
    """Penn Treebank as Mikolov prepared it; 42,068 / 3,370 / 3,761 sentences over 10,000 words, `<eos>` among them.

    Numbers are `N` and rare words `<unk>` in the files as they are.

    Arguments:
        path: The folder that holds `ptb/ptb.{train,valid,test}.txt`, only ever read; None for the cache folder.
        batch_size: Examples in a batch, over all processes.
        max_length: The largest number of steps, `<eos>` among them, to which longer sentences are cut; None for the
            longest sentence's, 83.
        limit: Use the first so many training examples only, with the vocabulary of all of them; None for all.

    Raises:
        RequestError: A file is missing or corrupt.

    Example:
        >>> Ptb(path="data").batch_size
        32

    References:
        Building a large annotated corpus of English: the Penn Treebank (Marcus, Santorini, Marcinkiewicz, 1993);
        Recurrent neural network based language model (Mikolov et al., 2010)
    """

    name = "ptb"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 32,
        max_length: AtLeastTwo | None = None,
        limit: PositiveInt | None = None,
    ) -> None:
        files = ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")
        super().__init__(path, batch_size, *files, max_length=max_length, limit=limit)

    def folder(self) -> Path:
        return data_folder(self.path) / "ptb"

    def original(self) -> str:
        return "Mikolov's ptb.train.txt, ptb.valid.txt and ptb.test.txt"
