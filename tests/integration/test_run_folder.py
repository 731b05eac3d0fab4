"""What a run leaves behind: complete, deterministic, and enough to have the model back."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import lvm_experiments
from lvm_experiments.data import Digits
from lvm_experiments.errors import RequestError
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.results import read_examples, read_results
from tests.integration.small import SPIES, TOYS, outcome, spy, words
from tests.support.program import run

COMPLETE = {
    ".hydra/config.yaml",
    ".hydra/hydra.yaml",
    ".hydra/overrides.yaml",
    ".lock",
    "checkpoints/best.ckpt",
    "checkpoints/last.ckpt",
    "config.yaml",
    "examples.npz",
    "figures/latent_scatter.png",
    "figures/learning_curves.png",
    "figures/model.png",
    "figures/reconstructions.png",
    "figures/samples.png",
    "figures/traversals.png",
    "metrics.csv",
    "results.json",
    "run.log",
    "spec.json",
    "status.json",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("finished") / "run")
    ended = run(*words(folder.path))
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def copy(finished: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(finished.path, tmp_path / "copy")
    return RunFolder(tmp_path / "copy")


def files(folder: RunFolder) -> set[str]:
    return {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}


def test_it_is_complete(finished: RunFolder) -> None:
    assert files(finished) == COMPLETE
    status = read_status(finished)
    assert (status["state"], status["exit_code"], status["reason"]) == ("completed", 0, None)
    assert {"created", "started", "heartbeat", "finished", "pid", "host", "git", "versions"} <= status.keys()
    assert "torch" in status["versions"]


def test_the_configuration_is_resolved_and_names_no_folder_of_its_own(finished: RunFolder) -> None:
    text = finished.config.read_text()
    assert "${" not in text
    assert "${" in (finished.path / ".hydra" / "config.yaml").read_text()
    assert finished.path.name not in {str(value) for value in yaml.safe_load(text).values()}


def test_every_number_says_what_it_is(finished: RunFolder) -> None:
    results = read_results(finished.results)
    assert {m.split for m in results.measurements.values()} == {"val", "test"}
    for split in ("val", "test"):
        nll, elbo = (results.measurements[f"{split}/{name}"] for name in ("nll", "elbo"))
        assert (nll.unit, nll.num_samples, nll.examples, nll.higher_is_better) == ("nats", 3, 50, False)
        assert nll.space == "binary (dynamic)"
        assert nll.standard_error is not None
        assert nll.standard_error > 0
        assert nll.monte_carlo_error is not None
        assert nll.monte_carlo_error > 0
        assert nll.value < -elbo.value
        rate, distortion = (results.measurements[f"{split}/{name}"].value for name in ("rate", "distortion"))
        assert elbo.value == pytest.approx(-(rate + distortion), abs=1e-9)


def test_the_examples_are_those_of_the_numbers(finished: RunFolder) -> None:
    results, examples = read_results(finished.results), read_examples(finished.examples)
    for split in ("val", "test"):
        assert len(set(examples[f"{split}/index"].tolist())) == 50
        for name, values in {"nll": "log_evidence", "elbo": "elbo", "rate": "rate"}.items():
            mean = examples[f"{split}/{values}"].mean() * (-1 if name == "nll" else 1)
            assert mean == pytest.approx(results.measurements[f"{split}/{name}"].value, abs=1e-9)


def test_one_seed_gives_the_same_bytes_and_another_does_not(finished: RunFolder, tmp_path: Path) -> None:
    for name, seed in (("again", 0), ("other", 1)):
        assert run(*words(tmp_path / name, f"seed={seed}")).code == 0
    assert outcome(tmp_path / "again") == outcome(finished.path)
    other = outcome(tmp_path / "other")
    assert all(other[name] != content for name, content in outcome(finished.path).items())
    # The same binarised test examples, whatever the seed of the run: runs are compared in pairs.
    mine, theirs = (read_examples(RunFolder(p).examples) for p in (finished.path, tmp_path / "other"))
    assert np.array_equal(mine["test/index"], theirs["test/index"])


def test_nothing_in_results_says_when_or_where(finished: RunFolder) -> None:
    text = finished.results.read_text()
    status = read_status(finished)
    for word in (str(finished.path.parent), status["host"], status["created"][:10], status["git"]["commit"][:8]):
        assert word not in text


def test_a_run_that_failed_keeps_what_it_had(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, spy("Signal", hook="on_validation_start", call=3, number=10), spies=True))
    assert ended.code == -10  # SIGUSR1, of which nobody knows anything: as good as a crash
    assert {"checkpoints/best.ckpt", "checkpoints/last.ckpt", "metrics.csv", "status.json"} <= files(folder)
    folder = RunFolder(tmp_path / "raised")
    ended = run(*words(folder.path, f"+callbacks.fail={{_target_:{SPIES}.Fail,epoch:2}}", spies=True))
    assert ended.code == 1
    assert ended.lines == [f"ZeroDivisionError: on purpose; the traceback is in {folder.traceback}"]
    assert files(folder) - {"signalled"} == COMPLETE - {"results.json", "examples.npz"} - {
        name for name in COMPLETE if name.startswith("figures/")
    } | {"traceback.txt"}
    status = read_status(folder)
    assert (status["state"], status["exit_code"]) == ("failed", 1)
    assert status["reason"] == "ZeroDivisionError: on purpose"
    assert "spies.py" in folder.traceback.read_text()
    assert folder.metrics.read_text().count("\n") == 3  # a header and two epochs
    with pytest.raises(RequestError, match=r"^callbacks\.fail: .* may not be named"):
        lvm_experiments.load(folder.path)
    trained = lvm_experiments.load(folder.path, allow_targets=[SPIES])
    assert trained.sample(2).shape == (2, 1, 8, 8)
    # It goes on from there, once the cause is gone, and then nothing is left of the failure.
    config = folder.read_config()
    del config["callbacks"]["fail"]
    folder.write_config({**config, "allow_targets": []})
    assert run(f"resume={folder.path}").code == 0
    assert files(folder) == COMPLETE


def test_a_folder_is_used_once(finished: RunFolder) -> None:
    before = outcome(finished.path)
    ended = run(*words(finished.path))
    assert ended.code == 2
    assert ended.lines == [
        f"{finished.path}: there is a run in this folder already; resume={finished.path} goes on with it"
    ]
    assert outcome(finished.path) == before


LOAD = """
import sys, torch, lvm_experiments
trained = lvm_experiments.load(sys.argv[1])
x = trained.sample(3, seed=5)
assert not any(name.startswith("sklearn") for name in sys.modules), "a data set was imported"
torch.save({"sample": x, "encode": trained.encode(x)["z"]}, "out.pt")
"""


def test_it_is_loaded_elsewhere_by_another_process(copy: RunFolder, tmp_path: Path) -> None:
    here = lvm_experiments.load(copy.path)
    moved, elsewhere = tmp_path / "moved" / "deep", tmp_path / "elsewhere"
    moved.parent.mkdir()
    elsewhere.mkdir()
    expected = here.sample(3, seed=5)
    shutil.move(copy.path, moved)
    env = {**os.environ, "LVM_DATA_DIR": str(tmp_path / "nothing"), "HOME": str(tmp_path / "nobody")}
    subprocess.run([sys.executable, "-c", LOAD, os.path.relpath(moved, elsewhere)], cwd=elsewhere, env=env, check=True)
    there = torch.load(elsewhere / "out.pt")
    assert torch.equal(there["sample"], expected)
    assert torch.equal(there["encode"], here.encode(expected)["z"])


# One for each observation space; tests/integration/test_conf.py tries them all.
LIKELIHOODS = ["bernoulli", "bernoulli_soft", "continuous_bernoulli", "discretized_logistic", "gaussian_predicted"]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_values_go_in_and_come_out_in_the_datas_own_units(likelihood: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = run(*words(folder, f"model/likelihood={likelihood}", "optimizer.lr=0.02", epochs=10))
    assert ended.code == 0, ended.err
    trained = lvm_experiments.load(folder)
    x = Digits(None, 50, 60, 60, None).load().test.x[:20]
    levels = torch.arange(17.0)
    for values in (trained.sample(50, seed=1), trained.sample(50, seed=1, mean=True), trained.reconstruct(x)):
        assert values.shape[1:] == (1, 8, 8)
        assert torch.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 16
    assert torch.isin(trained.sample(50), levels).all()
    reconstruction = trained.reconstruct(x)
    error = (reconstruction - x).square().mean()
    assert error < 25  # squared levels: about that of the training mean; of nothing at all it is 60
    z = trained.encode(x)
    assert {name: value.shape for name, value in z.items()} == {"z": (20, 3)}
    evidence = trained.evidence(x, 20, seed=3)
    assert evidence.log_p.shape == (20,)
    assert torch.equal(evidence.log_p, trained.evidence(x, 20, seed=3).log_p)
    measured = read_results(RunFolder(folder).results).measurements["test/nll"]
    assert evidence.log_p.mean() == pytest.approx(-measured.value, abs=8 * measured.standard_error)


def test_what_the_program_measures_again_is_what_it_measured(copy: RunFolder) -> None:
    ended = run(
        f"run={copy.path}",
        "evaluation=quick",
        "evaluation.num_samples=3",
        "evaluation.max_examples=50",
        module="lvm_experiments.evaluate",
    )
    assert ended.code == 0, ended.err
    (again,) = (copy.path / "evaluations").iterdir()
    first, second = (json.loads((path / "results.json").read_text()) for path in (copy.path, again))
    assert second["measurements"] == first["measurements"]
    mine, theirs = read_examples(copy.examples), read_examples(again / "examples.npz")
    for name, values in mine.items():
        assert np.array_equal(theirs[name], values), name


class Bomb:
    """What a stranger's checkpoint might hold: making it runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.mark}",)


def commands(folder: RunFolder) -> dict[str, tuple[str, list[str]]]:
    return {
        "evaluate": ("lvm_experiments.evaluate", [f"run={folder.path}"]),
        "sample": ("lvm_experiments.sample", [f"run={folder.path}", "n=2"]),
        "resume": ("lvm_experiments", [f"resume={folder.path}"]),
        "job": ("lvm_experiments.job", [str(folder.path)]),
    }


@pytest.mark.parametrize("command", ["evaluate", "sample", "resume", "job"])
@pytest.mark.parametrize("target", ["os.system", "stranger.Model", "lvm_experiments.data.digits.torch.load"])
def test_a_strangers_targets_are_refused(command: str, target: str, copy: RunFolder, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    (tmp_path / "stranger.py").write_text(f"open({str(mark)!r}, 'w')\nclass Model: pass\n")
    config = copy.read_config()
    config["model"]["encoder"] = {"_target_": target, "_partial_": True, "command": f"touch {mark}"}
    config["allow_targets"] = ["os", "stranger"]
    copy.write_config(config)
    before = outcome(copy.path)
    module, line = commands(copy)[command]
    ended = run(*line, module=module, env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path)
    assert ended.code == 2
    assert len(ended.lines) == 1, ended.err
    refusals = ("may not be named", "there is no lvm_experiments.data.digits.torch.load", "if you trust them")
    assert any(refusal in ended.err for refusal in refusals)
    assert not mark.exists()
    assert outcome(copy.path) == before


@pytest.mark.parametrize("command", ["evaluate", "sample", "resume"])
def test_a_strangers_pickles_are_refused(command: str, copy: RunFolder, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    copy.results.unlink()  # something is still to be done
    for path in (copy.best, copy.last):
        content = torch.load(path, weights_only=True)
        torch.save({**content, "more": Bomb(mark)}, path)
    module, line = commands(copy)[command]
    ended = run(*line, module=module)
    assert ended.code == 2
    assert len(ended.lines) == 1, ended.err
    assert "holds more than tensors" in ended.err
    assert not mark.exists()
    pickle.loads(pickle.dumps(Bomb(mark)))  # it would have worked
    assert mark.exists()


def test_a_pickle_as_checkpoint_path_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    torch.save({"state_dict": {}, "more": Bomb(mark)}, tmp_path / "stranger.ckpt")
    ended = run(*words(tmp_path / "run", f"ckpt_path={tmp_path / 'stranger.ckpt'}"))
    assert (ended.code, len(ended.lines)) == (2, 1)
    assert "holds more than tensors" in ended.err
    assert not mark.exists()


def test_a_model_that_is_allowed_is_loaded_when_it_is_allowed_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    encoder = f"model.encoder._target_={TOYS}.NarrowEncoder"
    assert run(*words(folder, encoder, epochs=1, spies=True)).code == 0
    with pytest.raises(RequestError, match="may not be named"):
        lvm_experiments.load(folder)
    trained = lvm_experiments.load(folder, allow_targets=[TOYS])
    assert type(trained.model.encoder).__name__ == "NarrowEncoder"
