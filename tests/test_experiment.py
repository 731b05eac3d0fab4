"""One experiment, as the order of events."""

from __future__ import annotations

import csv
import logging
import math
import shutil
import subprocess
import warnings
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lvm_experiments
from lvm_experiments.configuration import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.experiment import run
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from lvm_experiments.runs.results import read_examples, read_results
from tests.integration.small import ALLOWED, SMALL, SPIES, STEPS
from tests.support.small_run import small_run


def history(folder: RunFolder) -> list[dict[str, str]]:
    with folder.metrics.open() as file:
        return list(csv.DictReader(file))


def test_it_returns_what_it_writes(tmp_path: Path) -> None:
    folder, returned = small_run(tmp_path / "run")
    results = read_results(folder.results)
    assert returned == {name: m.value for name, m in results.measurements.items()}
    assert results.model == {
        "latent_dim": 3,
        "monitor": "val/elbo",
        "parameters": sum(p.numel() for p in lvm_experiments.load(folder).model.parameters()),
        "training_examples": 320,
        "updates": 2 * STEPS,
    }
    rows = history(folder)
    assert [row["step"] for row in rows] == ["6", "13", "14"]
    # The history of `val/` is of other draws and of every epoch's model, and ends before.
    assert all(float(rows[-1][name.replace("val/", "best/")]) == value for name, value in returned.items())
    assert not any(rows[-1][name] for name in rows[-1] if name.startswith("val/"))
    assert float(rows[1]["val/elbo"]) > float(rows[0]["val/elbo"])
    assert not any(name.endswith("latent_mean") for name in read_examples(folder.examples))


def test_the_best_checkpoint_is_what_is_measured(tmp_path: Path) -> None:
    """The last epoch is spoiled; the numbers are those of the one before."""
    worse = f"+callbacks.worse={{_target_:{SPIES}.Worse,epoch:2}}"
    folder, results = small_run(tmp_path / "run", worse, ALLOWED, "trainer.max_epochs=3")
    rows = [float(row["val/elbo"]) for row in history(folder)[:3]]
    assert rows[2] < rows[1] - 50
    assert results["val/elbo"] == pytest.approx(rows[1], abs=1)
    assert read_checkpoint(folder.best)["global_step"] == 2 * STEPS
    assert read_checkpoint(folder.last)["global_step"] == 3 * STEPS
    _, shorter = small_run(tmp_path / "shorter")
    assert results == shorter


def test_the_monitor_is_the_objectives_own_unless_another_is_asked_for(tmp_path: Path) -> None:
    iwae = ["model=iwae", "trainer.max_epochs=1"]
    folder, _ = small_run(tmp_path / "own", *iwae)
    assert read_results(folder.results).model["monitor"] == "val/iw_elbo"
    folder, _ = small_run(tmp_path / "asked", *iwae, "monitor=val/elbo")
    assert read_results(folder.results).model["monitor"] == "val/elbo"
    best = read_checkpoint(folder.best)
    assert best["callbacks"]["Checkpoint"]["best_score"] == pytest.approx(float(history(folder)[0]["val/elbo"]))


def test_a_warm_up_that_outlasts_training_is_warned_of(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    warm = ["objective/schedule=linear", "trainer.max_epochs=2"]
    folder, _ = small_run(tmp_path / "long", *warm, "objective.schedule.duration=2")
    text = "the warm-up of beta lasts as long as training or longer"
    assert capfd.readouterr().err.count(text) == 1
    assert folder.log.read_text().count(text) == 1
    folder, _ = small_run(tmp_path / "short", *warm, "objective.schedule.duration=1")
    assert text not in capfd.readouterr().err
    steps = ["objective.schedule.unit=step", f"objective.schedule.duration={2 * STEPS}"]
    small_run(tmp_path / "steps", *warm, *steps)
    assert text in capfd.readouterr().err


def test_beta_shapes_training_and_not_the_numbers(tmp_path: Path) -> None:
    folder, results = small_run(tmp_path / "run", "model=beta_vae", "optimizer.lr=0.01")
    assert results["test/rate"] < small_run(tmp_path / "plain", "optimizer.lr=0.01")[1]["test/rate"]
    assert results["test/elbo"] == pytest.approx(-(results["test/rate"] + results["test/distortion"]), abs=1e-9)
    row = history(folder)[-2]
    weighted = float(row["train/distortion"]) + 4 * float(row["train/rate"])
    assert float(row["train/loss"]) == pytest.approx(weighted, abs=1e-4)
    plain = float(row["train/distortion"]) + float(row["train/rate"])
    assert float(row["train/elbo"]) == pytest.approx(-plain, abs=1e-4)


@pytest.mark.parametrize("words", [["trainer.max_epochs=0"], ["trainer.limit_train_batches=0"]], ids=" ".join)
def test_without_training_the_model_is_measured_as_it_is(words: list[str], tmp_path: Path) -> None:
    trained, _ = small_run(tmp_path / "trained")
    folder, results = small_run(tmp_path / "run", *words, f"ckpt_path={trained.best}")
    before = read_results(trained.results)
    assert results == {name: m.value for name, m in before.measurements.items()}
    assert read_results(folder.results).model["updates"] == 0
    assert torch.equal(lvm_experiments.load(folder).sample(3), lvm_experiments.load(trained).sample(3))


def test_without_validation_the_last_checkpoint_is_the_best(tmp_path: Path) -> None:
    folder, _ = small_run(tmp_path / "run", "trainer.limit_val_batches=0")
    assert read_checkpoint(folder.best)["global_step"] == 2 * STEPS
    assert "val/elbo" in read_results(folder.results).measurements


def test_without_callbacks_the_last_parameters_are_measured(tmp_path: Path) -> None:
    none = [f"callbacks.{name}=null" for name in ("checkpoint", "early_stopping", "interruption")]
    folder, results = small_run(tmp_path / "run", *none, "trainer.enable_checkpointing=false")
    assert read_status(folder)["state"] == "completed"
    assert not list(folder.checkpoints.iterdir())
    _, plain = small_run(tmp_path / "plain")
    assert results == plain


@pytest.mark.parametrize("debug", ["fdr", "limit", "overfit", "profiler"])
def test_debugging_runs_to_its_end(debug: str, tmp_path: Path) -> None:
    words = [f"debug={debug}", "trainer.max_epochs=2"] if debug != "fdr" else ["debug=fdr"]
    folder, results = small_run(tmp_path / "run", *words)
    updates = read_results(folder.results).model["updates"]
    assert updates == {"fdr": 1, "limit": 10, "overfit": 6, "profiler": 14}[debug]
    assert "test/nll" in results
    (draws,) = {m.num_samples for n, m in read_results(folder.results).measurements.items() if n.endswith("/nll")}
    assert draws == 3  # what was said stays
    assert ("Action" in folder.log.read_text()) == (debug == "profiler")


WRONG: dict[tuple[str, str], tuple[object, str]] = {
    ("trainer", "limit_val_batches"): (-1, "trainer.limit_val_batches: -1 is neither a share of an epoch, from 0.0 to"),
    ("trainer", "limit_test_batches"): (1.5, "trainer.limit_test_batches: 1.5 is neither a share"),
    ("trainer", "overfit_batches"): (-0.5, "trainer.overfit_batches: -0.5 is neither a share"),
    ("trainer", "gradient_clip_val"): (math.nan, "trainer.gradient_clip_val: gradients cannot be clipped to nan; null"),
    ("trainer", "accumulate_grad_batches"): (0, "trainer.accumulate_grad_batches: 0 is not greater than 0"),
    ("trainer", "check_val_every_n_epoch"): (0, "trainer.check_val_every_n_epoch: 0 is not greater than 0"),
    ("monitor", "rate"): ("val/rate", "monitor: neither a high nor a low val/rate is better; there are val/elbo, val/"),
    ("monitor", "elbo"): ("elbo", "monitor: elbo is not measured after every epoch; did you mean val/elbo?"),
    ("monitor", "loss"): ("loss", "monitor: loss is not measured after every epoch; there are val/elbo, val/iw_elbo"),
}


def test_what_cannot_be_is_refused_before_training(tmp_path: Path) -> None:
    config: dict[str, Any] = to_plain(compose([*SMALL, "name=small"]), resolve=True)
    for (group, key), (value, text) in WRONG.items():
        changed = {**config["trainer"], key: value} if group == "trainer" else value
        with pytest.raises(RequestError) as refused:
            run({**config, group: changed}, RunFolder(tmp_path / key))
        assert str(refused.value).startswith(text)


def test_a_share_of_an_epoch_is_that_share(tmp_path: Path) -> None:
    folder, _ = small_run(tmp_path / "run", "trainer.limit_train_batches=0.5")
    assert read_results(folder.results).model["updates"] == 2 * (STEPS // 2)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_other_precisions_train_to_about_the_same(precision: str, tmp_path: Path) -> None:
    _, plain = small_run(tmp_path / "plain")
    folder, other = small_run(tmp_path / "other", f"trainer.precision={precision}")
    for split in ("val", "test"):
        assert other[f"{split}/nll"] == pytest.approx(plain[f"{split}/nll"], abs=0.3)
        assert other[f"{split}/nll"] != plain[f"{split}/nll"]
    # What is loaded is what was measured.
    x = lvm_experiments.load(folder).sample(4)
    assert x.dtype == torch.float32


@pytest.mark.skipif(shutil.which("g++") is None and shutil.which("c++") is None, reason="needs a C++ compiler")
def test_compiled_networks_train_to_about_the_same(tmp_path: Path) -> None:
    # Few sizes of batches: each is compiled anew.
    sizes = ["data.limit=100", "data.validation=50", "data.test=50", "evaluation.batch_size=50"]
    _, plain = small_run(tmp_path / "plain", *sizes)
    folder, compiled = small_run(tmp_path / "compiled", *sizes, "compile=true")
    assert compiled["test/nll"] == pytest.approx(plain["test/nll"], abs=0.05)
    assert lvm_experiments.load(folder).sample(2).shape == (2, 1, 8, 8)


def test_steps_are_those_of_all_groups_together(tmp_path: Path) -> None:
    """Nothing gets better, and so patience ends a run as soon as it may, after two epochs if nothing else."""
    still = ["objective=factor", "objective.hidden=[8]", "optimizer.lr=1e-12", "callbacks=patience_50"]
    still += ["callbacks.early_stopping.patience=1", "trainer.max_epochs=9"]
    for limit, updates in (("min_steps", 2 * STEPS + 1), ("max_steps", STEPS - 1)):
        folder, _ = small_run(tmp_path / limit, *still, f"trainer.{limit}={updates}")
        assert read_results(folder.results).model["updates"] == updates


def test_compiled_networks_go_with_several_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each group's backward needs the graph. No machine code: this backend, too, gives buffers away after the first."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    factor = ["objective=factor", "objective.hidden=[8]", "trainer.max_epochs=1", "data.limit=100"]
    _, plain = small_run(tmp_path / "plain", *factor)
    _, compiled = small_run(tmp_path / "compiled", *factor, "compile=true")
    assert compiled["test/nll"] == pytest.approx(plain["test/nll"], abs=0.05)


def test_the_process_is_left_as_it_was(tmp_path: Path) -> None:
    root, lightning = logging.getLogger(), logging.getLogger("pytorch_lightning")
    handlers, filters, level = list(root.handlers), list(warnings.filters), root.level
    before = torch.get_float32_matmul_precision(), torch.get_default_dtype(), list(lightning.handlers)
    for words in (["matmul_precision=medium"], ["optimizer=sgd", "optimizer.lr=1e30", "model=gaussian_vae"]):
        try:
            small_run(tmp_path / words[0], *words)
        except RunError as error:
            assert "not a finite number" in str(error)  # noqa: PT017 - of the second only
    assert (torch.get_float32_matmul_precision(), torch.get_default_dtype(), list(lightning.handlers)) == before
    assert (root.handlers, warnings.filters, root.level) == (handlers, filters, level)


def test_what_is_wrong_is_found_before_training(tmp_path: Path) -> None:
    for words, where in (
        (["monitor=val/nll"], "monitor"),
        (["evaluation.splits=[tst]"], "split"),
        (["observation=identity"], "model.likelihood"),
        (["optimizer.lr=-1"], "optimizer"),
        (["trainer.precision=16-true"], "trainer.precision"),
    ):
        path = tmp_path / where
        with pytest.raises(RequestError) as refused:
            small_run(path, *words)
        assert refused.value.where == where
        folder = RunFolder(path)
        assert read_status(folder)["state"] == "refused"
        assert not folder.metrics.exists()
        assert not folder.last.exists()


def test_it_runs_from_a_folder_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder, _ = small_run(Path("run"), "trainer.max_epochs=1")
    assert folder.path == tmp_path / "run"
    inside = subprocess.run(["git", "rev-parse"], cwd=tmp_path, capture_output=True, check=False)
    assert inside.returncode != 0
