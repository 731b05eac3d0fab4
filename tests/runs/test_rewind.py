from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.runs import History, RunFolder
from lvm_experiments.runs.checkpoint_file import write_checkpoint
from lvm_experiments.runs.rewind import refuse_shorter, rewind


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run that has failed at its end."""
    folder = RunFolder(tmp_path)
    folder.create()
    folder.figures.mkdir()
    (folder.figures / "samples.png").touch()
    for path in (folder.results, folder.examples, folder.traceback, folder.log):
        path.touch()
    for step in range(6):
        History(folder.metrics).add(step, {"a": 1.0})
    return folder


def test_what_came_after_the_checkpoint_is_taken_back(folder: RunFolder) -> None:
    write_checkpoint(folder.last, {"logged_steps": 4})
    write_checkpoint(folder.best, {})
    assert rewind(folder) == folder.last
    assert [row["step"] for row in History(folder.metrics).rows()] == ["0", "1", "2", "3"]
    left = {path.name for path in folder.path.iterdir()}
    assert left == {"checkpoints", "metrics.csv", "run.log"}
    assert folder.best.exists()


def test_without_a_checkpoint_it_starts_again(folder: RunFolder) -> None:
    write_checkpoint(folder.best, {})
    assert rewind(folder) is None
    assert {path.name for path in folder.path.iterdir()} == {"checkpoints", "run.log"}
    assert not list(folder.checkpoints.iterdir())


def test_another_process_of_the_run_touches_nothing(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(folder.last, {"logged_steps": 4})
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert rewind(folder) == folder.last
    assert len(History(folder.metrics).rows()) == 6
    assert folder.results.exists()


@pytest.mark.parametrize("content", [{}, {"logged_steps": "4"}])
def test_another_checkpoint_is_refused(content: dict[str, str], folder: RunFolder) -> None:
    write_checkpoint(folder.last, content)
    with pytest.raises(RequestError, match="is not the checkpoint of a run"):
        rewind(folder)
    assert len(History(folder.metrics).rows()) == 6


def test_a_shorter_run_is_one_of_fewer_updates(folder: RunFolder) -> None:
    """Lightning's step is twice as many where two optimisers take one each."""
    refuse_shorter(folder, {"max_steps": 1})  # there is nothing yet
    write_checkpoint(folder.last, {"epoch": 2, "global_step": 10, "state_dict": {"_extra_state": {"updates": 5}}})
    for longer in ({"max_steps": 5}, {"max_steps": -1}, {"max_epochs": 2, "max_steps": 7}):
        refuse_shorter(folder, longer)
    for key, limit, done in (("max_steps", 4, 5), ("max_epochs", 1, 2)):
        with pytest.raises(RequestError, match=f"^trainer.{key}: {limit} is asked for, and the run has {done} already"):
            refuse_shorter(folder, {key: limit})
