from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback

from lvm_experiments.callbacks import Checkpoint, Monitor
from lvm_experiments.errors import RequestError
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from tests.callbacks.linear import Linear, start, train, wait_for


class Crash(Exception):  # noqa: N818 - an event, not an error
    """What a run in these tests dies of."""


def crash(hook: str, call: int) -> Callback:
    """A callback that dies in the n-th call of a hook."""
    calls = iter(range(1, call + 1))

    def die(*args: Any, **kwargs: Any) -> None:
        if next(calls) == call:
            raise Crash

    return type("Crashing", (Callback,), {hook: die})()


def outcome(path: Path, model: Linear) -> dict[str, Any]:
    """All that has to be equal, to the bit."""
    folder = RunFolder(path)
    best = read_checkpoint(folder.best)
    return {
        "state": {k: v.tolist() for k, v in model.state_dict().items()},
        "best": {k: v.tolist() for k, v in best["state_dict"].items()},
        "best step": best["global_step"],
        "history": folder.metrics.read_text(),
        "states": read_status(folder)["state"],
    }


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "schedule on a metric": {"plateau": True},
    "steps": {"max_steps": 20, "epochs": -1, "plateau": True},
    "steps within an epoch": {"max_steps": 15, "epochs": -1},
    "accumulated gradients": {"accumulate_grad_batches": 4, "plateau": True},
    "validation every second epoch": {"check_val_every_n_epoch": 2},
    "validation within epochs": {"val_check_interval": 2, "plateau": True},
    "early stopping": {"patience": 1, "epochs": 30},
    "no validation": {"limit_val_batches": 0},
}
CRASHES = {
    # every epoch is saved
    None: [("on_validation_end", 1), ("on_save_checkpoint", 4), ("on_train_epoch_end", 2)],
    # and every step
    1: [("on_train_batch_start", 8), ("on_train_batch_end", 11), ("on_train_end", 1)],
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_run_that_crashed_ends_like_one_that_did_not(setting: str, tmp_path: Path) -> None:
    options = SETTINGS[setting]
    _, model = train(tmp_path / "whole", **options)
    expected = outcome(tmp_path / "whole", model)
    crashes = 0
    for every, places in CRASHES.items():
        for hook, call in places:
            path = tmp_path / f"{hook}_{call}"
            try:
                train(path, every=every, callbacks={"crash": crash(hook, call)}, **options)
            except Crash:
                crashes += 1
            _, model = train(path, every=every, **options)
            assert outcome(path, model) == expected, (hook, call)
    assert crashes >= 4  # not every setting has all the hooks


def test_a_run_killed_at_any_moment_ends_like_one_that_was_not(tmp_path: Path) -> None:
    options = {"pause": 0.003, "plateau": True, "every": 1}
    began = time.monotonic()
    _, model = train(tmp_path / "whole", **options)
    took = time.monotonic() - began
    expected = outcome(tmp_path / "whole", model)
    attempts = 0
    for moment in torch.rand(8, dtype=torch.float64).tolist():
        path = tmp_path / f"{moment}"
        process = start(path, **options)
        wait_for(RunFolder(path).status.exists)
        time.sleep(moment * took)
        process.kill()
        process.join()
        _, model = train(path, **options)
        assert outcome(path, model) == expected, moment
        attempts += read_status(RunFolder(path))["attempt"]
        assert not list(path.rglob("*.tmp"))
    assert attempts == 16


def test_a_checkpoint_killed_while_it_is_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    train(tmp_path, epochs=1)
    before = folder.last.read_bytes()

    def die(*args: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", die)  # everything is written, nothing has its name yet
        process = start(tmp_path, epochs=2)
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert folder.last.read_bytes() == before


def test_every_epoch_sees_every_row_once(tmp_path: Path) -> None:
    for call in (5, 9):
        with pytest.raises(Crash):
            train(tmp_path, every=2, callbacks={"crash": crash("on_train_batch_end", call)})
    _, model = train(tmp_path, every=2)
    assert model.seen[:6].tolist() == [4] * 6


def test_a_longer_training_is_the_shorter_one_gone_on_with(tmp_path: Path) -> None:
    _, model = train(tmp_path / "whole", epochs=5, plateau=True)
    train(tmp_path / "parts", epochs=2, plateau=True)
    _, other = train(tmp_path / "parts", epochs=5, plateau=True)
    assert outcome(tmp_path / "parts", other) == outcome(tmp_path / "whole", model)


def test_a_moved_folder_goes_on_with_its_best_score(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path / "old", epochs=2)
    best = trainer.checkpoint_callback.best_score
    shutil.move(tmp_path / "old", tmp_path / "elsewhere" / "new")
    moved, model = train(tmp_path / "elsewhere" / "new", epochs=2)
    assert moved.checkpoint_callback.best_score == best
    _, model = train(tmp_path / "elsewhere" / "new", epochs=4)
    _, whole = train(tmp_path / "whole", epochs=4)
    assert outcome(tmp_path / "elsewhere" / "new", model) == outcome(tmp_path / "whole", whole)
    for file in (tmp_path / "elsewhere" / "new" / "checkpoints").iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()


def test_checkpoints_are_plain_data(tmp_path: Path) -> None:
    train(tmp_path, epochs=1)
    for name in ("best.ckpt", "last.ckpt"):
        content = torch.load(tmp_path / "checkpoints" / name, weights_only=True)
        assert content["global_step"] == 6
        assert content["loops"]["fit_loop"]["state_dict"]["combined_loader"][0]["position"] == 6


def test_the_best_one_is_the_best_one(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, epochs=6, limit_val_batches=1)
    rows = (tmp_path / "metrics.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[2]) for row in rows]
    best = read_checkpoint(RunFolder(tmp_path).best)
    assert best["global_step"] == 6 * (losses.index(min(losses)) + 1)
    assert trainer.checkpoint_callback.best_score == min(losses)


def test_the_latest_one_is_the_best_one_if_it_is_to(tmp_path: Path) -> None:
    """The loss rises after some epochs, and the last state is measured all the same."""
    parts = {"checkpoint": Checkpoint(latest=True)}
    trainer, model = train(tmp_path, epochs=6, limit_val_batches=1, callbacks=parts)
    losses = [float(row.split(",")[2]) for row in (tmp_path / "metrics.csv").read_text().splitlines()[1:]]
    assert min(losses) < losses[-1]
    best = read_checkpoint(RunFolder(tmp_path).best)
    assert best["global_step"] == 36
    assert all(torch.equal(best["state_dict"][name], value) for name, value in model.state_dict().items())
    assert trainer.checkpoint_callback.best_score == losses[-1]


def test_what_is_not_a_number_is_never_best() -> None:
    monitor = Monitor("val/elbo")
    assert not monitor.improves(float("nan"), None)
    assert monitor.improves(-3.0, None)
    assert monitor.improves(-2.0, -3.0)
    assert not monitor.improves(-3.0, -3.0)
    assert Monitor("val/nll").improves(2.0, 3.0)


def test_a_metric_nobody_measures_is_a_wrong_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.callbacks.linear.MONITOR", "val/elbo")
    with pytest.raises(RequestError, match=r"no val/elbo is measured.*val/loss"):
        train(tmp_path)
    assert read_status(RunFolder(tmp_path))["state"] == "refused"


def test_it_saves_last_of_all_but_the_one_that_raises(tmp_path: Path) -> None:
    trainer, _ = train(tmp_path, epochs=1)
    names = [type(callback).__name__ for callback in trainer.callbacks]
    assert names[-2:] == ["Checkpoint", "Interruption"]
    assert isinstance(trainer.checkpoint_callback, Checkpoint)


def test_random_states_go_on(tmp_path: Path) -> None:
    """A model that draws from every generator is the same after a crash."""
    import random

    import numpy

    drawn: list[tuple[float, ...]] = []

    class Draws(Callback):
        def on_train_batch_end(self, *args: Any) -> None:
            drawn.append((random.random(), numpy.random.rand(), float(torch.rand(()))))  # noqa: NPY002

    def seed() -> None:
        random.seed(1)
        numpy.random.seed(1)  # noqa: NPY002

    seed()
    train(tmp_path / "whole", epochs=2, callbacks={"draws": Draws()})
    expected, drawn[:] = list(drawn), []
    seed()
    parts = {"draws": Draws(), "crash": crash("on_train_batch_start", 9)}
    with pytest.raises(Crash):
        train(tmp_path / "parts", epochs=2, every=1, callbacks=parts)
    train(tmp_path / "parts", epochs=2, every=1, callbacks={"draws": Draws()})
    assert drawn == expected
