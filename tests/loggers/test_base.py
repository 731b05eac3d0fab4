from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning.loggers import Logger

from lvm_experiments.errors import RequestError
from lvm_experiments.loggers import (
    HistoryLogger,
    RunLogger,
    build_loggers,
    close_loggers,
    log_figures,
    log_results,
)
from lvm_experiments.loggers.base import experiment_tags, remembered, require
from lvm_experiments.runs import History, RunFolder


class Notes(Logger):
    """A logger that writes down what it is told."""

    name, version = "notes", ""

    def __init__(self, folder: RunFolder, config: dict[str, Any], notes: list[Any], *, fails: bool = False) -> None:
        super().__init__()
        self.notes, self.fails = notes, fails
        notes.append(("built", folder, config))

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self.notes.append((metrics, step))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        self.notes.append(args)

    def log_figure(self, name: str, path: Path) -> None:
        self.notes.append((name, path))

    def close(self, exit_code: int) -> None:
        if self.fails:
            raise OSError("no network")
        self.notes.append(exit_code)


def test_every_run_has_a_history(tmp_path: Path) -> None:
    for parts in (None, {}, {"wandb": None}):
        (logger,) = build_loggers(parts, RunFolder(tmp_path), {})
        assert isinstance(logger, HistoryLogger)


def test_everything_reaches_every_logger(tmp_path: Path) -> None:
    folder, config, notes = RunFolder(tmp_path), {"seed": 0}, []
    loggers = build_loggers({"notes": functools.partial(Notes, notes=notes)}, folder, config)
    assert [isinstance(logger, RunLogger) for logger in loggers] == [False, True]
    log_results(loggers, {"test/nll": 2.5}, step=7)
    log_figures(loggers, {"samples": tmp_path / "a.png"})
    close_loggers(loggers, 3)
    assert notes == [
        ("built", folder, config),
        ({"test/nll": 2.5}, 7),
        ("samples", tmp_path / "a.png"),
        3,
    ]
    assert History(folder.metrics).rows() == [{"step": "7", "test/nll": "2.5"}]


def test_a_logger_that_cannot_be_closed_does_not_keep_the_others_open(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes: list[Any] = []
    build = functools.partial(Notes, notes=notes)
    parts = {"a": functools.partial(build, fails=True), "b": build}
    close_loggers(build_loggers(parts, RunFolder(tmp_path), {}), 0)
    assert notes[-1] == 0
    assert "Notes could not be closed: no network" in caplog.text


def test_a_missing_package_is_one_line() -> None:
    with pytest.raises(RequestError) as raised:
        require("no_such_package", extra="mlflow")
    assert str(raised.value) == (
        "logger=mlflow: no_such_package is not installed; pip install 'lvm_experiments[mlflow]'"
    )


def test_an_identity_is_made_once(tmp_path: Path) -> None:
    first = remembered(tmp_path / "id", lambda: "a")
    assert (first, remembered(tmp_path / "id", lambda: "b")) == ("a", "a")


def test_tags_are_joined_once_each() -> None:
    assert experiment_tags({"tags": ["a", "b"], "extra_tags": ["b", "c"]}) == ["a", "b", "c"]
    assert experiment_tags({"tags": None}) == []
