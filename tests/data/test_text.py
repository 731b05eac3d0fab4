"""Sentences: what words are numbered, what a sequence is made of, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lvm_experiments.data import Ptb, Text
from lvm_experiments.data.words import read_sentences, sequences, vocabulary
from lvm_experiments.errors import RequestError
from lvm_experiments.spec import DataSpec

TRAIN = "a rose is a rose\n\n  is a  rose\ta rose ?\nso <unk> so\n"
VAL, TEST = "a tulip is red\n", "rose\nis\n"
WORDS = ("<eos>", "<unk>", "a", "rose", "is", "so", "?")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"train.txt": TRAIN, "valid.txt": VAL, "test.txt": TEST}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_words_are_numbered_by_how_often_they_are_there(folder: Path) -> None:
    data = Text(str(folder)).load()
    assert data.spec.words == WORDS
    assert (data.spec.space, data.spec.levels, data.spec.shape, data.spec.end) == ("tokens", 7, (7,), 0)
    assert data.train.x.tolist() == [[2, 3, 4, 2, 3, 0, 0], [4, 2, 3, 2, 3, 6, 0], [5, 1, 5, 0, 0, 0, 0]]
    assert data.train.lengths.tolist() == [6, 7, 4]
    assert data.val.x.tolist() == [[2, 1, 4, 1, 0, 0, 0]]
    assert data.test.x.tolist() == [[3] + [0] * 6, [4] + [0] * 6]
    assert data.test.lengths.tolist() == [2, 2]
    assert data.train.x.dtype == torch.int16
    assert data.train.lengths.dtype == torch.int64


def test_a_batch_knows_which_steps_there_are(folder: Path) -> None:
    batch = Text(str(folder)).load().test.take(torch.tensor([1, 0]))
    assert batch.observed is not None
    assert batch.observed.tolist() == [[True, True] + [False] * 5] * 2


def test_long_sentences_are_cut_and_have_no_end(folder: Path) -> None:
    data = Text(str(folder), max_length=4).load()
    assert data.spec.shape == (4,)
    assert data.train.x.tolist() == [[2, 3, 4, 2], [4, 2, 3, 2], [5, 1, 5, 0]]
    assert data.train.lengths.tolist() == [4, 4, 4]


def test_rare_words_are_unknown(folder: Path) -> None:
    assert Text(str(folder), min_count=2).load().spec.words == WORDS[:6]
    small = Text(str(folder), max_words=4).load()
    assert small.spec.words == WORDS[:4]
    assert small.val.x[0, :5].tolist() == [2, 1, 1, 1, 0]


def test_the_vocabulary_is_that_of_all_training_sentences_and_of_no_others(folder: Path) -> None:
    data = Text(str(folder), limit=1).load()
    assert (len(data.train), data.spec.words) == (1, WORDS)
    assert "tulip" not in data.spec.words


def test_it_does_not_hang_on_the_order_of_sentences() -> None:
    sentences = [["b", "a"], ["c", "a"], ["b", "<eos>"]]
    assert vocabulary(sentences) == vocabulary(sentences[::-1]) == ("<eos>", "<unk>", "a", "b", "c")


def test_many_words_take_larger_numbers() -> None:
    words = ("<eos>", "<unk>", *map(str, range(40_000)))
    split = sequences([["39999"]], words, steps=2)
    assert split.x.dtype == torch.int32
    assert split.x.tolist() == [[40_001, 0]]


def test_the_description_keeps_its_words_in_a_file(folder: Path) -> None:
    spec = Text(str(folder)).load().spec
    assert DataSpec.from_json(spec.to_json()) == spec
    assert DataSpec.from_json(spec.to_json()).words == WORDS
    plain = DataSpec("binary", (3,), levels=2).to_json()
    del plain["words"]  # of a run before there were any
    assert DataSpec.from_json(plain).words == ()
    assert DataSpec.from_json(plain).end is None


def test_what_is_missing_or_no_text_is_refused_in_one_line(folder: Path) -> None:
    with pytest.raises(RequestError, match=r"^data.path: text needs a folder of files; give data.path=FOLDER$"):
        Text().load()
    with pytest.raises(RequestError, match=r"there is no .*other.txt; get it, a sentence a line"):
        Text(str(folder), val="other.txt").load()
    with pytest.raises(RequestError, match=r"there is no .*ptb.train.txt; get Mikolov's"):
        Ptb(str(folder)).load()
    (folder / "valid.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestError, match=r"valid.txt cannot be read"):
        Text(str(folder)).load()
    (folder / "valid.txt").write_text("\n \n")
    with pytest.raises(RequestError, match=r"it has no words"):
        Text(str(folder)).load()


def test_penn_treebank_is_the_one_that_papers_use(data_dir: Path) -> None:
    data = Ptb(str(data_dir)).load()
    assert (len(data.train), len(data.val), len(data.test)) == (42_068, 3_370, 3_761)
    assert (data.spec.levels, data.spec.shape) == (10_000, (83,))
    steps = [int(split.lengths.sum()) for split in (data.train, data.val, data.test)]
    assert steps == [929_589, 73_760, 82_430]
    # No word of the other splits is unknown that was not so in the file.
    found = [read_sentences(data_dir / "ptb" / f"ptb.{part}.txt", "") for part in ("valid", "test")]
    assert {word for part in found for line in part for word in line} <= set(data.spec.words)
