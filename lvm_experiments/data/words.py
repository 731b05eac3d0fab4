"""Sentences as sequences of numbered words."""

from __future__ import annotations

__all__ = ["UNKNOWN", "read_sentences", "sequences", "vocabulary"]

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from lvm_experiments.data.files import corrupt, missing
from lvm_experiments.data.split import Split
from lvm_experiments.spec import END

UNKNOWN = "<unk>"
"""Stands for every word that is not in the vocabulary."""


def read_sentences(file: Path, original: str) -> list[list[str]]:
    """The words of each line that has any.

    Arguments:
        file: Text in UTF-8, a sentence a line, words apart by spaces.
        original: What to say has to be got where it is missing.

    Raises:
        RequestError: The file is missing, is no such text or has no words.
    """
    if not file.is_file():
        raise missing(file, original=original)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise corrupt(file, error) from error
    found = [words for line in lines if (words := line.split())]
    if not found:
        raise corrupt(file, "it has no words")
    return found


def vocabulary(sentences: Iterable[list[str]], min_count: int = 1, max_words: int | None = None) -> tuple[str, ...]:
    """The words of a language, frequent ones first, after those for the end of a sentence and for unknown words.

    Arguments:
        sentences: Words of the training data.
        min_count: How often a word has to be there.
        max_words: The size of the vocabulary at most, with those two; None for as many words as there are.

    Example:
        >>> vocabulary([["a", "rose", "is"], ["a", "rose"]], max_words=4)
        ('<eos>', '<unk>', 'a', 'rose')
    """
    counts = Counter(word for words in sentences for word in words)
    counts.pop(UNKNOWN, None)
    counts.pop(END, None)
    # In alphabetical order where they are as frequent, so that the order of sentences does not matter.
    frequent = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))
    return (END, UNKNOWN, *frequent[: None if max_words is None else max(0, max_words - 2)])


def sequences(sentences: list[list[str]], words: tuple[str, ...], steps: int) -> Split:
    """Sentences as numbers of words, each followed by its end and filled up with ends.

    What is longer than T steps is cut, and then has no end.

    Arguments:
        sentences: Words.
        words: The vocabulary.
        steps: T.

    Example:
        >>> split = sequences([["a", "rose"], ["a", "b", "c"]], ("<eos>", "<unk>", "a", "rose"), steps=3)
        >>> split.x.tolist(), split.lengths.tolist()
        ([[2, 3, 0], [2, 1, 1]], [3, 3])
    """
    number = {word: i for i, word in enumerate(words)}
    end, unknown = number[END], number[UNKNOWN]
    x = np.full((len(sentences), steps), end, dtype=np.int16 if len(words) <= np.iinfo(np.int16).max else np.int32)
    for row, sentence in zip(x, sentences, strict=True):
        shown = sentence[:steps]
        row[: len(shown)] = [number.get(word, unknown) for word in shown]
    lengths = np.minimum([len(sentence) + 1 for sentence in sentences], steps)
    return Split(torch.from_numpy(x), lengths=torch.from_numpy(lengths.astype(np.int64)))
