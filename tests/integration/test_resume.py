"""A run that was stopped, in whatever way and wherever, ends with the numbers of one that was not."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
import yaml

from lvm_experiments.runs import RunFolder, read_status
from tests.integration.small import ALLOWED, SPIES, STEPS, TOYS, outcome, spy, words
from tests.support.program import Finished, Program, run
from tests.support.spies import seen

# As many kills as somebody has patience for: LVM_TEST_KILLS=100 scripts/test tests/integration/test_resume.py
KILLS = int(os.environ.get("LVM_TEST_KILLS", "6"))
EPOCHS = 4
SEEN = spy("Seen", pause=0.01)


def resume(folder: Path, *more: str) -> Finished:
    return run(f"resume={folder}", ALLOWED, *more)


def begin(folder: Path, like: Path, place: tuple[str, str, int] | None = None, every: int | None = None) -> Program:
    """The run of another folder anew, as a job, perhaps with a place where it will be killed."""
    config = RunFolder(like).read_config()
    config["callbacks"]["checkpoint"]["every_n_train_steps"] = every
    if place is not None:
        name, hook, call = place
        config["callbacks"]["signal"] = {"_target_": f"{SPIES}.{name}", "hook": hook, "call": call}
    RunFolder(folder).write_config(config)
    return Program(folder, "--allow", "tests.support", module="lvm_experiments.job")


def check_is(folder: Path, whole: Path) -> None:
    """All numbers are equal to the byte, and every epoch saw every example once."""
    assert outcome(folder) == outcome(whole)
    assert read_status(RunFolder(folder))["state"] == "completed"
    steps = seen(folder)
    assert steps == seen(whole)
    epochs = {epoch for epoch, _ in steps}
    for epoch in epochs:
        examples = [example for (e, _), batch in steps.items() if e == epoch for example in batch]
        assert sorted(examples) == list(range(320))
    assert not list(folder.rglob("*.tmp"))


class Whole:
    """The run that nothing happens to, and how long it takes from the first batch to its results."""

    def __init__(self, path: Path, *more: str) -> None:
        self.path = path
        program = Program(*words(path, SEEN, *more, epochs=EPOCHS, spies=True))
        program.wait_until((path / "seen.txt").exists)
        began = time.monotonic()
        program.wait_until((path / "results.json").exists)
        self.seconds = time.monotonic() - began
        finished = program.wait()
        assert finished.code == 0, finished.err


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(tmp_path_factory.mktemp("whole") / "run")


def test_the_whole_run_is_what_the_others_are_compared_with(whole: Whole) -> None:
    assert len(seen(whole.path)) == EPOCHS * STEPS
    batches = [tuple(batch) for batch in seen(whole.path).values()]
    assert len(set(batches)) == len(batches)  # each epoch has its own order
    results = json.loads((whole.path / "results.json").read_text())
    assert results["model"]["updates"] == EPOCHS * STEPS


@pytest.mark.parametrize("kill", range(KILLS))
def test_killed_at_a_random_moment(kill: int, whole: Whole, tmp_path: Path) -> None:
    # One moment in each equal part of the time from the first batch to the results.
    moment = (kill + random.Random(kill).random()) / KILLS * whole.seconds
    folder = tmp_path / "run"
    program = begin(folder, whole.path, every=3 if kill % 2 else None)
    program.wait_until((folder / "seen.txt").exists)
    time.sleep(moment)
    assert program.kill().code in (-signal.SIGKILL, 0)
    finished = resume(folder)
    assert finished.code == 0, finished.err
    check_is(folder, whole.path)


PLACES = {
    "within an epoch": ("Signal", "on_train_batch_end", STEPS + 4),
    "after the last batch": ("Signal", "on_train_batch_end", 2 * STEPS),
    "in validation": ("Signal", "on_validation_batch_end", 3),
    "after validation": ("Signal", "on_validation_end", 2),
    "at the end of an epoch": ("LateSignal", "on_train_epoch_end", 3),
    "in the first checkpoint": ("Signal", "before best.ckpt", 1),
    "between two checkpoints": ("Signal", "after best.ckpt", 2),
    "in a later checkpoint": ("Signal", "before last.ckpt", 2),
    "at the end of training": ("LateSignal", "on_train_end", 1),
    "while it is measured": ("Signal", "after results.json", 1),
}


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_a_place(place: str, whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun = begin(folder, whole.path, PLACES[place]).wait()
    assert begun.code == -signal.SIGKILL, begun.err
    assert read_status(RunFolder(folder))["state"] == "stale"
    finished = resume(folder)
    assert finished.code == 0, finished.err
    check_is(folder, whole.path)


@pytest.mark.parametrize(
    ("name", "number", "call"), [("SIGTERM", 15, STEPS + 3), ("SIGINT", 2, 2 * STEPS + 1), ("SIGTERM", 15, 1)]
)
def test_told_to_stop(name: str, number: int, call: int, whole: Whole, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    signals = spy("Signal", hook="on_train_batch_start", call=call, number=number)
    begun = run(*words(folder.path, SEEN, signals, epochs=EPOCHS, spies=True))
    assert begun.code == 128 + number == 128 + getattr(signal, name)
    assert begun.lines == [f"interrupted by signal {number}"]
    status = read_status(folder)
    assert (status["state"], status["exit_code"]) == ("interrupted", 128 + number)
    assert not folder.results.exists()
    assert len(seen(folder.path)) == call  # the batch it came in was finished, and no other begun
    assert resume(folder.path).code == 0
    check_is(folder.path, whole.path)
    # What was finished is not done again.
    assert len((folder.path / "seen.txt").read_text().splitlines()) == EPOCHS * STEPS


def test_told_to_stop_while_it_is_measured(whole: Whole, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    signals = spy("Signal", hook="'before results.json'", number=15)
    assert run(*words(folder.path, SEEN, signals, epochs=EPOCHS, spies=True)).code == 143
    assert read_status(folder)["state"] == "interrupted"
    assert resume(folder.path).code == 0
    check_is(folder.path, whole.path)


def test_stopped_three_times(whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    program = Program(*words(folder, SEEN, epochs=EPOCHS, spies=True))
    for steps in (3, STEPS + 2, 3 * STEPS - 1):
        program.wait_until(lambda: (folder / "seen.txt").exists() and len(seen(folder)) >= steps)  # noqa: B023
        program.send(signal.SIGTERM)
        assert program.wait().code == 143
        program = Program(f"resume={folder}", ALLOWED)
    assert program.wait().code == 0
    check_is(folder, whole.path)
    assert read_status(RunFolder(folder))["attempt"] == 4


def test_a_moved_folder_goes_on(whole: Whole, tmp_path: Path) -> None:
    signals = spy("Signal", hook="on_validation_start", call=3)
    begun = run(*words(tmp_path / "old" / "run", SEEN, signals, epochs=EPOCHS, spies=True))
    assert begun.code == -signal.SIGKILL
    (tmp_path / "new").mkdir()
    shutil.move(tmp_path / "old" / "run", tmp_path / "new" / "elsewhere")
    shutil.rmtree(tmp_path / "old")
    finished = run("resume=elsewhere", ALLOWED, cwd=tmp_path / "new")
    assert finished.code == 0, finished.err
    check_is(tmp_path / "new" / "elsewhere", whole.path)
    assert not (tmp_path / "old").exists()


def test_a_finished_run_is_made_longer(whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert run(*words(folder, SEEN, epochs=2, spies=True)).code == 0
    assert outcome(folder) != outcome(whole.path)
    finished = resume(folder, f"trainer.max_epochs={EPOCHS}")
    assert finished.code == 0, finished.err
    check_is(folder, whole.path)
    assert yaml.safe_load((folder / "config.yaml").read_text())["trainer"]["max_epochs"] == EPOCHS


def test_a_schedule_follows_a_run_that_is_made_longer(tmp_path: Path) -> None:
    """A cosine that has come to its end would leave the further epochs without any learning."""
    rates = {}
    for name, given in {"follows": [], "given": ["scheduler.T_max=2"]}.items():
        folder = RunFolder(tmp_path / name)
        more = ["scheduler=cosine", "optimizer=sgd", "optimizer.lr=0.1", *given]
        assert run(*words(folder.path, *more, epochs=2, spies=True)).code == 0
        short = torch.load(folder.last, weights_only=True)
        assert short["optimizer_states"][0]["param_groups"][0]["lr"] == 0.0
        finished = resume(folder.path, "trainer.max_epochs=3")
        assert finished.code == 0, finished.err
        longer = torch.load(folder.last, weights_only=True)
        rates[name] = longer["lr_schedulers"][0]["T_max"], longer["optimizer_states"][0]["param_groups"][0]["lr"]
        moved = any(not torch.equal(x, short["state_dict"][n]) for n, x in longer["state_dict"].items() if "model" in n)
        assert moved == (name == "follows")
    assert rates["follows"] == (3, pytest.approx(0.0, abs=1e-12))
    assert rates["given"] == (2, pytest.approx(0.05))  # up again, as torch's own


def test_a_finished_run_is_measured_again(whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole.path, folder)
    (folder / "results.json").unlink()
    finished = resume(folder)
    assert finished.code == 0, finished.err
    check_is(folder, whole.path)


def test_a_finished_run_with_nothing_to_do_is_left_alone(whole: Whole) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.path.rglob("*") if path.is_file()}
    finished = resume(whole.path)
    assert finished.code == 0, finished.err
    assert "Nothing to do" in finished.out
    assert {path: path.stat().st_mtime_ns for path in whole.path.rglob("*") if path.is_file()} == before


VARIATIONS = {
    "iwae, clipped, plateau": [
        "model=iwae",
        "trainer.gradient_clip_val=1",
        "scheduler=plateau",
        "scheduler.patience=0",
        "scheduler.threshold=20",
    ],
    "cosine": ["scheduler=cosine", "optimizer=sgd", "model/likelihood=gaussian_predicted"],
    "warm-up": ["objective/schedule=linear", "model/likelihood=continuous_bernoulli", "trainer.val_check_interval=3"],
    "two groups": [
        "objective=iwae",
        "~objective.num_samples",
        f"objective._target_={TOYS}.TwoGroups",
        "trainer.gradient_clip_val=1",
        "scheduler=step",
        "scheduler.step_size=2",
    ],
    "accumulation": ["trainer.accumulate_grad_batches=2", "callbacks.early_stopping.patience=3", "optimizer=adamax"],
}
HAS_SCHEDULE = {"iwae, clipped, plateau", "cosine", "two groups"}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_whatever_is_trained_and_however(variation: str, tmp_path: Path) -> None:
    other = Whole(tmp_path / "whole", *VARIATIONS[variation])
    last = torch.load(RunFolder(other.path).last, weights_only=True)
    ended = last["optimizer_states"][0]["param_groups"][0]["lr"]
    assert (ended < RunFolder(other.path).read_config()["optimizer"]["lr"]) == (variation in HAS_SCHEDULE)
    folder = tmp_path / "run"
    # The end of a validation, where schedules on a metric have still to be stepped, or the middle of an epoch.
    place = ("on_validation_end", 2) if variation in HAS_SCHEDULE else ("on_train_batch_end", 2 * STEPS + 5)
    begun = begin(folder, other.path, ("Signal", *place), every=2).wait()
    assert begun.code == -signal.SIGKILL, begun.err
    finished = resume(folder)
    assert finished.code == 0, finished.err
    check_is(folder, other.path)
    accumulated = RunFolder(folder).read_config()["trainer"]["accumulate_grad_batches"]
    results = json.loads((folder / "results.json").read_text())
    assert results["model"]["updates"] == EPOCHS * math.ceil(STEPS / accumulated)


REFUSED = {
    "seed=1": "seed: is 0 in the run to resume, and 1 was asked for",
    "optimizer.lr=0.1": "optimizer.lr: is 0.001 in the run to resume, and 0.1 was asked for",
    "model=gaussian_vae": "model=gaussian_vae: a resumed run keeps its model",
    "data.batch_size=10": "data.batch_size: is 50 in the run to resume, and 10 was asked for",
    "trainer.precision=64-true": "trainer.precision: is '32-true' in the run to resume",
    "evaluation.num_samples=5": "evaluation.num_samples: is 3 in the run to resume, and 5 was asked for",
    "trainer.max_epochs=1": "trainer.max_epochs: 1 is asked for, and the run has",
    "trainer.max_epoch=5": "trainer.max_epoch: no such key; did you mean trainer.max_epochs?",
}


@pytest.mark.parametrize("word", REFUSED)
def test_anything_else_that_would_change_is_refused(word: str, whole: Whole) -> None:
    before = outcome(whole.path)
    finished = resume(whole.path, word)
    assert finished.code == 2
    assert len(finished.lines) == 1
    assert finished.err.startswith(REFUSED[word])
    assert outcome(whole.path) == before
    assert read_status(RunFolder(whole.path))["state"] == "completed"


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    program = Program(*words(folder, spy("Seen", pause=0.1), epochs=50, spies=True))
    program.wait_until((folder / "seen.txt").exists)
    second = resume(folder)
    assert second.code == 2
    assert len(second.lines) == 1
    assert "is running it" in second.err
    program.send(signal.SIGTERM)
    assert program.wait().code == 143
