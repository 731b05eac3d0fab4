"""A run on sentences: numbers, texts and draws in words."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

import lvm_experiments
from lvm_experiments.configuration import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.experiment import run
from lvm_experiments.runs import RunFolder
from lvm_experiments.sample import main

WORDS = ("a", "rose", "is", "red", "blue")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, float]]:
    root = tmp_path_factory.mktemp("sentences")
    draw = random.Random(0)
    for name, n in {"train": 80, "valid": 20, "test": 20}.items():
        lines = [" ".join(draw.choices(WORDS, k=draw.randint(1, 6))) for _ in range(n)]
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    network = {"hidden": 8, "embedding": 4}
    sizes = {"encoder": network, "likelihood": {"context": 4, **network}}
    words = [f"model.{part}.{key}={value}" for part, given in sizes.items() for key, value in given.items()]
    words += ["model=sentence_vae", "data=text", f"data.path={root}", "evaluation=glance", "callbacks.progress=null"]
    words += ["callbacks.summary=null", "trainer.accelerator=cpu", "trainer.max_epochs=2", "name=sentences"]
    folder = RunFolder(root / "run")
    config: dict[str, Any] = to_plain(compose(words), resolve=True)
    folder.create()
    folder.write_config(config)
    return folder, run(config, folder)


def test_it_is_measured(finished: tuple[RunFolder, dict[str, float]]) -> None:
    _, results = finished
    assert 1 < results["test/perplexity"] < 40
    assert 0 <= results["test/token_accuracy"] <= 1
    assert "test/reconstruction_error" not in results


def test_it_is_shown_in_words(finished: tuple[RunFolder, dict[str, float]]) -> None:
    folder, _ = finished
    known = {*WORDS, "<unk>"}
    assert all(set(line.split()) <= known for line in (folder.figures / "samples.txt").read_text().splitlines())
    pairs = (folder.figures / "reconstructions.txt").read_text().rstrip("\n").split("\n\n")
    data = (folder.path.parent / "test.txt").read_text().splitlines()
    for shown, line in zip(pairs, data, strict=True):
        first, second = shown.split("\n")
        assert first == f"data  {line}"
        assert second.startswith("model ")
        assert set(second.split()[1:]) <= known


def test_it_is_loaded_with_its_words_and_draws_sentences(
    finished: tuple[RunFolder, dict[str, float]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = finished
    assert main([f"run={folder.path}", "n=5", "seed=1"]) == 0
    found = folder.path / "samples" / "best_n-5_seed-1"
    assert {path.name for path in found.iterdir()} == {"samples.npz", "samples.txt", "means.txt"}
    assert "samples.txt" in capsys.readouterr().out
    trained = lvm_experiments.load(folder)
    assert set(trained.spec.words) == {*WORDS, "<eos>", "<unk>"}
    lines = (found / "samples.txt").read_text().splitlines()
    for line, tokens in zip(lines, trained.sample(5, seed=1).long().tolist(), strict=True):
        words = [trained.spec.words[token] for token in tokens]
        assert line == " ".join(words[: words.index("<eos>")] if "<eos>" in words else words)
    best = trained.reconstruct(trained.sample(5, seed=1))
    assert torch.equal(best, best.round())
