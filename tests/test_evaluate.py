"""Measuring a trained run again."""

from __future__ import annotations

import json
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
    assert found.name == "val-test_best_K-3_seed-0"
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
        "val-test_best_K-3_seed-0",
        "val-test_best_K-3_seed-1",
        "test_best_K-3_seed-0",
        "train_best_K-3_seed-0",
        "val-test_last_K-3_seed-0",
        "val-test_best_K-9_seed-0",
    }
    plain = found["val-test_best_K-3_seed-0"]
    assert found["val-test_best_K-3_seed-1"]["test/nll"] != plain["test/nll"]
    assert found["test_best_K-3_seed-0"] == {n: v for n, v in plain.items() if n.startswith("test/")}
    assert {name.partition("/")[0] for name in found["train_best_K-3_seed-0"]} == {"train"}
    assert found["val-test_best_K-9_seed-0"]["test/nll"] < plain["test/nll"]  # a tighter bound


def test_the_whole_test_set_is_measured_by_full(folder: RunFolder) -> None:
    assert main([f"run={folder.path}", "evaluation.num_samples=2", "split=test"]) == 0
    (found,) = evaluations(folder)
    results = json.loads((found / "results.json").read_text())
    assert results["measurements"]["test/nll"]["examples"] == 60
    assert results["model"]["evaluation"]["max_examples"] is None
    assert results["model"]["checkpoint"] == "best"
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
