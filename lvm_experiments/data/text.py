"""Text: sentences of your own."""

from __future__ import annotations

__all__ = ["Text"]

from pathlib import Path

from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.words import read_sentences, sequences, vocabulary
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import AtLeastTwo, PositiveInt


class Text(DataSet):
    """Sentences from three files of text, one a line, words apart by spaces; lines without words are passed over.

    The vocabulary is that of the training file; other words are `<unk>`. Each sentence is followed by `<eos>`, which
    is a word of its own and stands for the steps beyond, too. T is the length of the longest sentence, or
    `max_length`, where longer ones are cut.

    Arguments:
        path: The folder of the files, only ever read.
        batch_size: Examples in a batch, over all processes.
        train: The name of the training file.
        val: That of the validation file.
        test: That of the test file.
        max_length: The largest number of steps, `<eos>` among them; None for the longest sentence's.
        min_count: How often a word has to be in the training file to be in the vocabulary.
        max_words: The size of the vocabulary at most, `<eos>` and `<unk>` among it; None for all words.
        limit: Use the first so many training examples only, with the vocabulary of all of them; None for all.

    Raises:
        RequestError: A file is missing, is no text in UTF-8 or has no words.

    Example:
        >>> Text(path="letters", max_length=40).max_length
        40
    """

    name = "text"

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 32,
        train: str = "train.txt",
        val: str = "valid.txt",
        test: str = "test.txt",
        max_length: AtLeastTwo | None = None,
        min_count: PositiveInt = 1,
        max_words: AtLeastTwo | None = None,
        limit: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit)
        self.train, self.val, self.test = train, val, test
        self.max_length, self.min_count, self.max_words = max_length, min_count, max_words

    def read(self) -> Data:
        """Reads the sentences of the three files and numbers their words."""
        folder = self.folder()
        parts = [read_sentences(folder / name, self.original()) for name in (self.train, self.val, self.test)]
        words = vocabulary(parts[0], self.min_count, self.max_words)
        longest = 1 + max(len(sentence) for sentences in parts for sentence in sentences)
        steps = longest if self.max_length is None else min(self.max_length, longest)
        spec = DataSpec("tokens", (steps,), levels=len(words), words=words)
        return Data(self.name, spec, *(sequences(sentences, words, steps) for sentences in parts))

    def folder(self) -> Path:
        """Where the files are."""
        if self.path is None:
            raise RequestError("text needs a folder of files", where="data.path", hint="give data.path=FOLDER")
        return Path(self.path).expanduser()

    def original(self) -> str:
        """What has to be got where a file is missing."""
        return "it, a sentence a line, or give data.train, data.val and data.test"
