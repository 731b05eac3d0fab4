"""Several processes compute what one does."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from lvm_experiments.runs.results import read_examples, read_results
from tests.integration.small import ALLOWED, TOYS, outcome, spy, words
from tests.support.program import run
from tests.support.spies import seen

# No noise of training, an identity as observation map, and doubles: what is left is the order of sums.
EXACT = [
    "objective=iwae",
    f"objective._target_={TOYS}.Autoencoder",
    "model=discretized_logistic_vae",
    "optimizer=sgd",
    "optimizer.lr=0.001",
    "trainer.precision=64-true",
    "data.limit=101",  # batches of 50, 50 and 1: in the last one a rank has nothing to do
    "data.validation=61",  # shards of 31 and 30
    ALLOWED,
    spy("Seen"),
]
SEVERAL = ["trainer.accelerator=cpu", "trainer.devices=2"]
EPOCHS = 3


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("one") / "run")
    ended = run(*words(folder.path, *EXACT, epochs=EPOCHS))
    assert ended.code == 0, ended.err
    return folder


def parameters(folder: RunFolder) -> dict[str, torch.Tensor]:
    return {k: v for k, v in read_checkpoint(folder.last)["state_dict"].items() if k.startswith("model.")}


@pytest.mark.parametrize("trainer", ["ddp_sim", "ddp"])
def test_training_and_evaluation_give_the_numbers_of_one_process(trainer: str, one: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, f"trainer={trainer}", *EXACT, *SEVERAL, epochs=EPOCHS))
    assert ended.code == 0, ended.err
    assert ended.err == ""
    assert read_status(folder)["state"] == "completed"

    before, after = parameters(one), parameters(folder)
    assert before.keys() == after.keys()
    for name, x in before.items():
        assert x.dtype == torch.float64
        assert torch.allclose(after[name], x, rtol=0, atol=1e-12), name
    rows = [list(csv.DictReader(f.metrics.open())) for f in (one, folder)]
    assert [row.keys() for row in rows[0]] == [row.keys() for row in rows[1]]
    for mine, theirs in zip(*rows, strict=True):
        for name, value in mine.items():
            assert (theirs[name] == value == "") or float(theirs[name]) == pytest.approx(float(value), abs=1e-6), name
    mine, theirs = (read_results(f.results) for f in (one, folder))
    assert theirs.model == mine.model
    assert mine.model["updates"] == 3 * EPOCHS
    for name, m in mine.measurements.items():
        assert theirs.measurements[name].examples == m.examples
        assert theirs.measurements[name].value == pytest.approx(m.value, rel=1e-6), name
    examples = [read_examples(f.examples) for f in (one, folder)]
    assert all(np.array_equal(x[f"{s}/index"], np.unique(x[f"{s}/index"])) for x in examples for s in ("val", "test"))


def test_the_ranks_share_a_batch(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, "trainer=ddp_sim", *EXACT, spy("SeenByRank"), epochs=1))
    assert ended.code == 0, ended.err
    first, second = ([list(map(int, line.split())) for line in (folder.path / f"rank{r}.txt").open()] for r in (0, 1))
    assert [len(batch) for batch in first] == [25, 25, 1]
    assert [len(batch) for batch in second] == [25, 25, 1]  # the last one stands in and weighs nothing
    assert second[2] == first[2]
    together = [example for a, b in zip(first[:2], second[:2], strict=True) for example in a + b] + first[2]
    assert sorted(together) == list(range(101))


NOISY = ["trainer=ddp_sim", "data.limit=201", spy("Seen")]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("noisy") / "run")
    assert run(*words(folder.path, *NOISY, epochs=EPOCHS, spies=True)).code == 0
    return folder


def test_the_ranks_have_noise_of_their_own_and_the_same_next_time(noisy: RunFolder, tmp_path: Path) -> None:
    assert run(*words(tmp_path / "run", *NOISY, epochs=EPOCHS, spies=True)).code == 0
    assert outcome(tmp_path / "run") == outcome(noisy.path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_goes_on_after_it_was_stopped(number: int, noisy: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    signals = spy("SignalParent", hook="on_train_batch_start", call=8, number=int(number))
    begun = run(*words(folder.path, *NOISY, signals, epochs=EPOCHS, spies=True))
    expected = {signal.SIGTERM: (143, "interrupted"), signal.SIGKILL: (-9, "stale")}
    assert (begun.code, read_status(folder)["state"]) == expected[signal.Signals(number)], begun.err
    finished = run(f"resume={folder.path}", ALLOWED)
    assert finished.code == 0, finished.err
    assert outcome(folder.path) == outcome(noisy.path)
    assert len(seen(folder.path)) == 5 * EPOCHS


def test_several_groups_take_the_steps_of_one_process(tmp_path: Path) -> None:
    more = [word for word in EXACT if "Autoencoder" not in word]
    groups = [*more, "~objective.num_samples", f"objective._target_={TOYS}.QuietGroups", "trainer.gradient_clip_val=5"]
    folders = [RunFolder(tmp_path / name) for name in ("one", "two")]
    for folder, trainer in zip(folders, ("cpu", "ddp_sim"), strict=True):
        ended = run(*words(folder.path, f"trainer={trainer}", *SEVERAL[: 0 if trainer == "cpu" else 2], *groups))
        assert ended.code == 0, ended.err
    one, two = (read_checkpoint(folder.last)["state_dict"] for folder in folders)
    moved = [name for name in one if name != "_extra_state"]
    assert any(name.startswith("objective.critic") for name in moved)
    for name in moved:
        assert torch.allclose(one[name], two[name], rtol=0, atol=1e-12), name
