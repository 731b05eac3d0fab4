"""Measuring a trained run again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from lvm_experiments.evaluate import main
from lvm_experiments.runs import RunFolder
from lvm_experiments.runs.results import read_examples, read_results
from tests.support.small_run import small_run

QUICK = ["evaluation=quick", "evaluation.num_samples=3", "evaluation.max_examples=50"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return small_run(tmp_path_factory.mktemp("trained") / "run")[0]


@pytest.fixture
def folder(trained: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def values(path: Path) -> dict[str, float]:
    return {name: m.value for name, m in read_results(path / "results.json").measurements.items()}


def evaluations(folder: RunFolder) -> list[Path]:
    return sorted((folder.path / "evaluations").iterdir())


def test_the_same_questions_have_the_same_answers(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = folder.results.read_bytes()
    assert main([f"run={folder.path}", *QUICK]) == 0
    (found,) = evaluations(folder)
    assert found.name == "val-test_best_K-3_N-50_seed-0"
    assert values(found) == values(folder.path)
    assert folder.results.read_bytes() == before  # the run's own are left alone
    shown = capsys.readouterr().out
    assert "test/nll" in shown
    assert "results.json" in shown
    assert {"test/index", "test/latent_mean", "val/log_evidence"} <= read_examples(found / "examples.npz").keys()


def test_other_questions_have_others_each_in_its_own_folder(folder: RunFolder) -> None:
    for more in ([], ["seed=1"], ["split=test"], ["split=train"], ["checkpoint=last"], ["evaluation.num_samples=9"]):
        assert main([f"run={folder.path}", *QUICK, *more]) == 0
    found = {path.name: values(path) for path in evaluations(folder)}
    assert set(found) == {
        "val-test_best_K-3_N-50_seed-0",
        "val-test_best_K-3_N-50_seed-1",
        "test_best_K-3_N-50_seed-0",
        "train_best_K-3_N-50_seed-0",
        "val-test_last_K-3_N-50_seed-0",
        "val-test_best_K-9_N-50_seed-0",
    }
    plain = found["val-test_best_K-3_N-50_seed-0"]
    assert found["val-test_best_K-3_N-50_seed-1"]["test/nll"] != plain["test/nll"]
    assert found["test_best_K-3_N-50_seed-0"] == {n: v for n, v in plain.items() if n.startswith("test/")}
    assert {name.partition("/")[0] for name in found["train_best_K-3_N-50_seed-0"]} == {"train"}
    assert found["val-test_best_K-9_N-50_seed-0"]["test/nll"] < plain["test/nll"]  # a tighter bound


def test_equal_settings_have_one_folder_whatever_words_they_were_given_in(folder: RunFolder) -> None:
    words = [f"run={folder.path}", *QUICK]
    same = (
        ["split=test"],
        ["evaluation.splits=[test]"],
        ["split=test", "evaluation.chunk=2", "evaluation.batch_size=7"],
    )
    for more in same:
        assert main([*words, *more]) == 0
    for more in (["evaluation.splits=[test,val]"], ["evaluation.splits=[val,test]"]):
        assert main([*words, *more]) == 0
    for more in (["evaluation.max_examples=40"], ["evaluation.max_examples=null"]):
        assert main([*words, "split=test", *more]) == 0
    assert [path.name for path in evaluations(folder)] == [
        "test_best_K-3_N-40_seed-0",
        "test_best_K-3_N-50_seed-0",
        "test_best_K-3_N-all_seed-0",
        "val-test_best_K-3_N-50_seed-0",
    ]


def test_the_whole_test_set_is_measured_by_full(folder: RunFolder) -> None:
    assert main([f"run={folder.path}", "evaluation.num_samples=2", "split=test"]) == 0
    (found,) = evaluations(folder)
    assert found.name == "test_best_K-2_N-all_seed-0"
    results = read_results(found / "results.json")
    assert results.measurements["test/nll"].examples == 60
    settings = {"splits": ["test"], "checkpoint": "best", "num_samples": 2, "max_examples": None, "seed": 0}
    assert results.evaluation == settings
    own = read_results(folder.results)
    assert results.model == {key: own.model[key] for key in ("latent_dim", "parameters")}
    assert own.evaluation == {}
    assert np.array_equal(read_examples(found / "examples.npz")["test/index"], np.arange(60))


def test_data_that_moved_are_found_where_they_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frey faces, or what a folder holds in their place."""
    monkeypatch.delenv("LVM_DATA_DIR", raising=False)
    frames = np.random.default_rng(0).integers(0, 256, (520, 28, 20), np.uint8)
    (tmp_path / "then" / "freyfaces").mkdir(parents=True)
    np.savez(tmp_path / "then" / "freyfaces" / "freyfaces.npz", images=frames)
    words = ["data=frey_faces", f"paths.data_dir={tmp_path / 'then'}", "data.validation=60", "data.test=60"]
    folder, _ = small_run(tmp_path / "run", *words, "data.limit=100")
    shutil.move(tmp_path / "then", tmp_path / "now")
    assert main([f"run={folder.path}", *QUICK]) == 2
    assert main([f"run={folder.path}", *QUICK, f"data_dir={tmp_path / 'now'}"]) == 0
    (found,) = evaluations(folder)
    assert values(found) == values(folder.path)


@pytest.fixture(scope="module")
def of_arrays(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run on arrays of one's own, with others beside them."""
    path = tmp_path_factory.mktemp("arrays")
    numbers = np.random.default_rng(0)
    grey = numbers.integers(0, 256, (150, 1, 4, 4), np.uint8)
    np.savez(path / "mine.npz", train=grey[:100], val=grey[100:125], test=grey[125:])
    np.savez(path / "new.npz", train=grey[:100], test=grey[:20])
    np.savez(path / "black.npz", x=grey // 255)
    np.savez(path / "large.npz", x=numbers.integers(0, 256, (150, 1, 5, 4), np.uint8))
    np.savez(path / "real.npz", x=numbers.normal(size=(150, 1, 4, 4)))
    return small_run(path / "run", "data=npz", f"data.path={path / 'mine.npz'}", "~data.limit", "data.validation=20")[0]


@pytest.fixture
def arrays(of_arrays: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(of_arrays.path.parent, tmp_path / "there")
    return RunFolder(tmp_path / "there" / of_arrays.path.name)


def test_other_data_of_the_same_kind_are_measured_where_they_are_given(arrays: RunFolder) -> None:
    here = arrays.path.parent
    words = [f"run={arrays.path}", *QUICK, "split=test"]
    shutil.copy(here / "mine.npz", here / "copy.npz")
    for name in ("new", "copy", "new", "black"):
        assert main([*words, f"data.path={here / name}.npz"]) == 0
    found = {path.name.partition("_data-")[2].partition("-")[0]: path for path in evaluations(arrays)}
    assert set(found) == {"new", "copy", "black"}
    assert all(path.name.startswith("test_best_K-3_N-50_seed-0_data-") for path in found.values())
    assert values(found["copy"]) == {n: v for n, v in values(arrays.path).items() if n.startswith("test/")}
    assert read_results(found["new"] / "results.json").measurements["test/nll"].examples == 20
    # Only black and white, but in the space that the model is of.
    assert read_results(found["black"] / "results.json").measurements["test/nll"].space == "binary (dynamic)"


def test_data_of_another_kind_are_refused(arrays: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {
        "large": "data.path: the shape of these data is (1, 5, 4), and the model was trained on (1, 4, 4); give data",
        "real": "data.path: x has values from -",
        "none": "data.path: there is no ",
    }.items():
        assert main([f"run={arrays.path}", *QUICK, f"data.path={arrays.path.parent / name}.npz"]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith(text), error
    assert main([f"run={arrays.path}", "data.path=3"]) == 2
    assert capsys.readouterr().err == "data.path: expected a string, got 3\n"
    assert main([f"run={arrays.path}", "data.paht=x"]) == 2
    assert capsys.readouterr().err == "data.paht: no such key; did you mean data.path?\n"
    assert not (arrays.path / "evaluations").exists()


def test_a_wrong_request_is_refused(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    for words, text in (
        ([], "run: a value is missing"),
        (["run=/nowhere"], "/nowhere: is not the folder of a run"),
        ([f"run={folder.path}", "split=tst"], "split: expected one of 'train', 'val', 'test'"),
        ([f"run={folder.path}", "device=tpux"], "device: there is no device 'tpux' here; choose cpu or auto"),
        ([f"run={folder.path}", "evaluation=fulll"], "evaluation: no option 'fulll'; did you mean full?"),
    ):
        assert main(words) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert error.startswith(text)
    assert not (folder.path / "evaluations").exists()


def test_help_explains_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "run: ???" in capsys.readouterr().out
