"""Draws from a trained run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import lvm_experiments
from lvm_experiments.runs import RunFolder
from lvm_experiments.runs.results import read_examples
from lvm_experiments.sample import main, sample_run
from tests.support.small_run import small_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return small_run(tmp_path_factory.mktemp("trained") / "run")[0]


@pytest.fixture
def folder(trained: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_it_writes_draws_and_means_and_pictures_and_says_where(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"run={folder.path}", "n=5", "seed=2"]) == 0
    found = folder.path / "samples" / "best_n-5_seed-2"
    assert {path.name for path in found.iterdir()} == {"samples.npz", "samples.png", "means.png"}
    shown = capsys.readouterr().out
    assert "samples.npz" in shown
    arrays = read_examples(found / "samples.npz")
    assert arrays["x"].shape == arrays["mean"].shape == (5, 1, 8, 8)
    trained = lvm_experiments.load(folder)
    assert np.array_equal(arrays["x"], trained.sample(5, seed=2).numpy())
    assert np.array_equal(arrays["mean"], trained.sample(5, seed=2, mean=True).numpy())
    assert set(np.unique(arrays["x"])) == {0.0, 16.0}
    for path in found.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_the_means_belong_to_the_draws(folder: RunFolder) -> None:
    """One seed, so the same z: where the mean is high, draws are 1 more often."""
    model = lvm_experiments.load(folder)
    sharp = model.model.decoder.layers[-1]
    torch.nn.init.normal_(sharp.weight, std=20.0)
    x, mean = model.sample(40, seed=1), model.sample(40, seed=1, mean=True)
    assert (x - mean).abs().mean() < (x - mean.flip(0)).abs().mean() / 2


def test_seeds_checkpoints_and_numbers_have_folders_of_their_own(folder: RunFolder) -> None:
    base = {"run": str(folder.path), "n": 4, "seed": 0, "checkpoint": "best", "device": "cpu", "allow_targets": []}
    first = {path.name: path.read_bytes() for path in sample_run(base)}
    assert {path.name: path.read_bytes() for path in sample_run(base)} == first
    sample_run(base | {"checkpoint": "last"})
    for change in ({"seed": 1}, {"n": 3}):
        assert sample_run(base | change)[0].read_bytes() != first["samples.npz"]
    names = {path.name for path in (folder.path / "samples").iterdir()}
    assert names == {"best_n-4_seed-0", "best_n-4_seed-1", "last_n-4_seed-0", "best_n-3_seed-0"}


def test_a_wrong_request_is_refused(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for words, text in (
        ([], "run: a value is missing"),
        ([f"run={folder.path}", "n=0"], "n: 0 is not greater than 0"),
        ([f"run={folder.path}", "k=3"], "k: no such key; "),
        ([f"run={folder.path}/checkpoints"], f"{folder.path}/checkpoints: is not the folder of a run"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith(text)
    assert not (folder.path / "samples").exists()


def test_a_label_where_labels_play_no_part_is_refused(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"run={folder.path}", "n=2", "label=1"]) == 2
    assert capsys.readouterr().err.startswith("label: labels play no part in this model; model=cvae")


def test_help_explains_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "n: 64 # how many draws" in capsys.readouterr().out
