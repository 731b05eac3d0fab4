"""What dashboards show of whole runs: all of the history and the result, and how it ended."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.runs import RunFolder
from lvm_experiments.runs.results import read_results
from tests.integration.small import ALLOWED, STEPS, outcome, spy, words
from tests.support.program import run


def wandb(folder: RunFolder) -> list[dict[str, Any]]:
    """What W&B's own reader says of the pieces of a run, in their order."""
    program = str(Path(sys.executable).with_name("wandb"))
    found = []
    for piece in (folder.path / "wandb").glob("offline-run-*"):
        command = [program, "leet", "inspect", "--summary", "--json", str(piece)]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return sorted(found, key=lambda piece: piece["start_time"])


def rows(folder: RunFolder) -> list[dict[str, str]]:
    with folder.metrics.open() as file:
        return list(csv.DictReader(file))


def test_all_loggers_show_what_metrics_csv_holds(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, plain = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "plain")
    ended = run(*words(folder.path, "logger=many", "tags=[x,y]", "extra_tags=[z]"))
    assert ended.code == 0, ended.err
    assert run(*words(plain.path)).code == 0
    assert outcome(folder.path) == outcome(plain.path)  # watching changes nothing
    history = rows(folder)
    results = read_results(folder.results).measurements
    assert [int(row["step"]) for row in history] == [STEPS - 1, 2 * STEPS - 1, 3 * STEPS - 1, 4 * STEPS - 1, 4 * STEPS]

    (piece,) = wandb(folder)
    assert (piece["state"], piece["exit_code"]) == ("finished", 0)
    assert piece["config"]["model"]["likelihood"] == folder.read_config()["model"]["likelihood"]
    assert piece["tags"] == ["x", "y", "z"]
    summary = piece["summary"]
    best = max(float(row["val/elbo"]) for row in history if row["val/elbo"])
    assert summary["val/elbo"]["max"] == pytest.approx(best, rel=1e-9)
    assert summary["test/nll"] == pytest.approx(results["test/nll"].value, rel=1e-9)
    assert summary["test/rate"] == pytest.approx(results["test/rate"].value, rel=1e-9)
    figures = {path.stem for path in folder.figures.glob("*.png")}
    assert {f"figures/{name}" for name in figures} <= summary.keys()

    events = EventAccumulator(str(folder.path / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (record,) = client.search_runs([client.get_experiment_by_name("lvm_experiments").experiment_id])
    assert record.info.status == "FINISHED"
    for name in ("train/elbo", "val/elbo", "best/elbo", "test/nll"):
        expected = {int(row["step"]): float(row[name]) for row in history if row[name]}
        assert expected
        assert {e.step: e.value for e in events.Scalars(name)} == pytest.approx(expected, rel=1e-6)
        metrics = {m.step: m.value for m in client.get_metric_history(record.info.run_id, name)}
        assert metrics == pytest.approx(expected, rel=1e-9)
    assert {f"figures/{name}" for name in figures} <= set(events.Tags()["images"])


def test_a_record_says_how_its_run_ended_and_goes_on(tmp_path: Path) -> None:
    folder, plain = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "plain")
    signals = spy("Signal", hook="on_train_batch_start", call=STEPS + 2, number=15)
    assert run(*words(folder.path, "logger=wandb", signals, spies=True)).code == 143
    (piece,) = wandb(folder)
    assert (piece["state"], piece["exit_code"]) == ("failed", 143)
    assert run(f"resume={folder.path}", ALLOWED).code == 0
    first, second = wandb(folder)
    assert first["run_id"] == second["run_id"]
    assert (second["state"], second["exit_code"]) == ("finished", 0)
    assert run(*words(plain.path)).code == 0
    assert outcome(folder.path) == outcome(plain.path)


@pytest.mark.parametrize(
    ("wrong", "code"), [(["optimizer=sgd", "optimizer.lr=1e30", "model=gaussian_vae"], 1), (["monitor=val/nll"], 2)]
)
def test_a_record_of_a_run_that_failed_says_so(wrong: list[str], code: int, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, "logger=wandb", *wrong))
    assert (ended.code, len(ended.lines)) == (code, 1)
    # A request that is refused before training begins no record.
    assert [piece["exit_code"] for piece in wandb(folder)] == ([1] if code == 1 else [])


def test_forked_processes_have_one_record(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, "logger=wandb", "trainer=ddp_sim"))
    assert ended.code == 0, ended.err
    pieces = wandb(folder)
    assert len({piece["run_id"] for piece in pieces}) == 1
    assert {(piece["state"], piece["exit_code"]) for piece in pieces} == {("finished", 0)}
    together = {name for piece in pieces for name in piece["summary"]}
    assert {"train/elbo", "val/elbo", "test/nll", "figures/samples"} <= together
