"""Whatever a person gets wrong: one line that says what, where and what to do next, and the right exit code."""

from __future__ import annotations

import re
import resource
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import lvm_experiments
from lvm_experiments.runs import RunFolder, read_status
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from tests.integration.small import ALLOWED, SMALL, SPIES, TOYS, words
from tests.support.program import Finished, run

FREE = [word for word in SMALL if not word.startswith(("data.", "model.", "trainer.accelerator"))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of every kind of badness."""
    folder = tmp_path_factory.mktemp("files")
    numbers = np.random.default_rng(0)
    unit = numbers.uniform(0.01, 0.99, (150, 4)).astype(np.float32)
    real = numbers.normal(size=(150, 4)).astype(np.float32)
    arrays = {
        "unit": unit,
        "real": real,
        "nan": real.copy(),
        "grey": numbers.integers(0, 256, (150, 1, 8, 8), np.uint8),
    }
    arrays["nan"][7, 1] = np.nan
    arrays["object"] = np.array([{}, None], dtype=object)
    for name, x in arrays.items():
        np.savez(folder / f"{name}.npz", x=x)
    (folder / "corrupt.npz").write_bytes(b"PK\x03\x04" + bytes(100))
    (folder / "corrupt.ckpt").write_bytes(bytes(100))
    return folder


def one_line(ended: Finished, code: int, pattern: str) -> None:
    assert ended.code == code, ended.err
    assert len(ended.lines) == 1, ended.err
    assert re.search(pattern, ended.err), ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


REQUESTS: dict[str, tuple[list[str], str]] = {
    "option": (["model=bernouli_vae"], "^model: no option 'bernouli_vae'; did you mean bernoulli_vae?"),
    "group": (["modle=iwae"], "^modle: no such key; did you mean model?"),
    "key": (["model.latnt_dim=3"], "^model.latnt_dim: no such key; did you mean model.latent_dim?"),
    "key after a plus": (["+optimizer.learning=3"], "^optimizer.learning: no such key; "),
    "nearest after a plus": (["+trainer.max_epoch=3"], "^trainer.max_epoch: .* did you mean trainer.max_epochs?"),
    "two equals signs": (["optimizer.lr==3"], "^optimizer.lr==3: cannot be read .*; write optimizer.lr=3, with one"),
    "no key before it": (["=3"], "^=3: there is no key before the equals sign; write key=value"),
    "type": (["model.latent_dim=two"], "^model.latent_dim: expected an integer, got 'two'"),
    "range": (["data.batch_size=0"], "^data.batch_size: 0 is not greater than 0"),
    "choice": (["model.encoder.activation=tanhh"], "^model.encoder.activation: expected one of .*'tanh'"),
    "value of torch's": (["optimizer.lr=-1"], "^optimizer: Invalid learning rate: -1"),
    "value of Lightning's": (["trainer.precision=8"], "^trainer: Precision 8 is invalid"),
    "share": (["trainer.limit_train_batches=2.5"], "^trainer.limit_train_batches: 2.5 is neither a share of an epoch"),
    "clipping": (
        ["trainer.gradient_clip_val=-1"],
        "^trainer.gradient_clip_val: gradients cannot be clipped to -1; null",
    ),
    "endless period": (
        ["scheduler=cosine", "trainer.max_epochs=-1", "trainer.max_time=00:00:01:00"],
        "^scheduler: nobody knows how many epochs training has; give scheduler.T_max, ",
    ),
    "seed": (["seed=99999999999999"], "^seed: .* not in bounds"),
    "precision": (["trainer.precision=bf16-true"], "^trainer.precision: .*; choose 16-mixed"),
    "monitor": (["monitor=val/nll"], "^monitor: val/nll is not measured .*; there are val/elbo, val/iw_elbo$"),
    "monitor misspelt": (["monitor=val/elboo"], "^monitor: val/elboo is not measured .*; did you mean val/elbo"),
    "split": (["evaluation.splits=[tst]"], "no split is called 'tst'; did you mean test?"),
    "plateau": (["scheduler=plateau", "trainer.limit_val_batches=0"], "^scheduler: it watches val/elbo, and nothing"),
    "no GPU": (["trainer=gpu"], "^trainer.accelerator: there is no gpu here; choose trainer=cpu"),
    "too large a cut": (["data.validation=5000"], "^data.validation: 5000 examples cannot be cut from 1437"),
    "pair of map and data": (
        ["data=npz", "data.path={files}/real.npz"],
        "^observation: real data cannot be mapped to binary .*choose another model= or, .*=gaussian\\|gaussian_fixed",
    ),
    "pair of likelihood and data": (
        ["data=npz", "data.path={files}/real.npz", "observation=identity"],
        "^model.likelihood: BernoulliLikelihood .* choose model/likelihood=gaussian\\|gaussian_fixed",
    ),
    "likelihood of whole examples": (
        ["model/likelihood=autoregressive_bernoulli", "data.missing=0.5"],
        r"^data \(train\): Autoregressive.* cells are missing; choose model/likelihood=bernoulli or another model=$",
    ),
    "more components than examples": (
        ["model=gmm", "data.limit=5"],
        "^model.latent_dim: 10 components need as many .* and there are 5; choose at most 5$",
    ),
    "network for data": (
        ["data=npz", "data.path={files}/real.npz", "model=gaussian_vae", "model/encoder=conv"],
        "^model.encoder: .*image",
    ),
    "NaN": (["data=npz", "data.path={files}/nan.npz"], "^data.path: x holds NaN or infinite values; "),
    "support": (
        ["data=npz", "data.path={files}/unit.npz", "data.space=binary"],
        "^data.path: x has values from 0.0.* to 0.9.* where binary data are integers from 0 to 1",
    ),
    "levels": (["data=npz", "data.path={files}/grey.npz", "data.levels=16"], "^data.path: .* integers from 0 to 15"),
    "missing data": (["data=npz", "data.path={files}/no.npz"], "^data.path: there is no .*/no.npz"),
    "no data named": (["data=npz"], "^data.path: npz needs a file; give data.path=FILE.npz"),
    "pickled data": (["data=npz", "data.path={files}/object.npz"], "^data.path: .* cannot be read"),
    "corrupt data": (["data=npz", "data.path={files}/corrupt.npz"], "^data.path: .* cannot be read"),
    "missing data set": (["data=mnist", "paths.data_dir={files}"], "^data.path: there is no .*train-images.*; get "),
    "data to convert": (["data=frey_faces", "paths.data_dir={files}"], "run: python -m lvm_experiments.convert "),
    "missing checkpoint": (["ckpt_path={files}/no.ckpt"], "^ckpt_path: there is no file .*/no.ckpt"),
    "corrupt checkpoint": (["ckpt_path={files}/corrupt.ckpt"], "^.*/corrupt.ckpt: is .*damaged.*give another"),
    "missing run": (["resume={files}/no"], "is not the folder of a run; give the folder that holds config.yaml"),
    "output": (["hydra.run.dir=/dev/null/run"], "^paths.root: cannot write to /dev/null/run .*paths.root=DIR"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_wrong_request_is_one_line_and_exit_code_2(case: str, files: Path, tmp_path: Path) -> None:
    wrong, pattern = REQUESTS[case]
    given = [f"paths.root={tmp_path}", f"hydra.run.dir={tmp_path}/run", *FREE]
    ended = run(*given, *(word.format(files=files) for word in wrong))
    one_line(ended, 2, pattern)
    if (tmp_path / "run" / "status.json").exists():
        status = read_status(RunFolder(tmp_path / "run"))
        assert (status["state"], status["exit_code"]) == ("refused", 2)
        assert status["reason"] == ended.lines[0]
    assert not (tmp_path / "run" / "traceback.txt").exists()


@pytest.mark.parametrize("module", ["evaluate", "sample"])
@pytest.mark.parametrize(
    ("wrong", "pattern"),
    [
        ([], "^run: a value is missing"),
        (["run={files}"], "is not the folder of a run"),
        (["run={files}", "rnu=3"], "^rnu: no such key; did you mean run?"),
        (["run={files}", "seed=x"], "^seed: expected an integer, got 'x'"),
        (["run={files}", "checkpoint=first"], "^checkpoint: expected one of 'best', 'last'"),
        (["--run"], "no flag --run"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_so_is_one_to_the_smaller_commands(module: str, wrong: list[str], pattern: str, files: Path) -> None:
    ended = run(*(word.format(files=files) for word in wrong), module=f"lvm_experiments.{module}")
    one_line(ended, 2, pattern)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("trained") / "run")
    assert run(*words(folder.path, epochs=1)).code == 0
    return folder


def test_the_checkpoint_of_another_model(trained: RunFolder, tmp_path: Path) -> None:
    ended = run(*words(tmp_path / "run", "model.latent_dim=4", f"ckpt_path={trained.best}"))
    one_line(ended, 2, r"parameter .* has shape \(\d.*, and this model's \(\d.*; it belongs to another model")
    ended = run(*words(tmp_path / "run2", "model.encoder.hidden=[8,8]", f"ckpt_path={trained.best}"))
    one_line(ended, 2, "lacks the parameter encoder.layers.2.bias; it belongs to another model")


def test_the_checkpoint_of_the_same_model_is_where_training_starts(trained: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert run(*words(folder.path, f"ckpt_path={trained.best}", "optimizer.lr=0.0", epochs=1)).code == 0
    before, after = (read_checkpoint(f.best)["state_dict"] for f in (trained, folder))
    # The parameters alone: the account of updates begins anew.
    assert all(torch.equal(after[name], x) for name, x in before.items() if name.startswith("model."))
    assert read_checkpoint(folder.best)["global_step"] == 7


@pytest.mark.parametrize("command", ["evaluate", "sample", "resume"])
@pytest.mark.parametrize("damage", ["cut short", "gone"])
def test_a_damaged_folder(command: str, damage: str, trained: RunFolder, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(trained.path, folder.path)
    folder.results.unlink()  # something is still to be done
    for path in (folder.best, folder.last):
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:1000])
    module = "lvm_experiments" if command == "resume" else f"lvm_experiments.{command}"
    ended = run(f"{'resume' if command == 'resume' else 'run'}={folder.path}", module=module)
    if (command, damage) == ("resume", "gone"):
        assert ended.code == 0  # a run without a checkpoint starts again
        assert folder.results.read_bytes() == trained.results.read_bytes()
    else:
        one_line(ended, 2, "no such checkpoint" if damage == "gone" else "damaged")


DIVERGES = ["optimizer=sgd", "optimizer.lr=1e30", "model/likelihood=gaussian_fixed", "trainer.accelerator=cpu"]


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, *DIVERGES))
    one_line(ended, 1, r"^training: the loss \((\w+, )*(rate|distortion)\) is not a finite number at step 1, epoch 0; ")
    status = read_status(folder)
    assert (status["state"], status["exit_code"], status["reason"]) == ("failed", 1, ended.lines[0])
    assert "RunError" in folder.traceback.read_text()
    assert not folder.results.exists()


def test_the_last_good_checkpoint_is_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    spoil = f"+callbacks.spoil={{_target_:{SPIES}.Spoil,step:17}}"
    ended = run(*words(folder.path, spoil, spies=True))
    one_line(ended, 1, r"^training: the loss \(.*distortion\) .* step 17, epoch 2; the last good epoch's checkpoint is")
    last = read_checkpoint(folder.last)
    assert last["global_step"] == 14
    assert all(torch.isfinite(x).all() for name, x in last["state_dict"].items() if name.startswith("model."))
    assert torch.isfinite(lvm_experiments.load(folder.path, allow_targets=[SPIES]).sample(3)).all()
    assert folder.metrics.read_text().count("\n") == 3


@pytest.mark.parametrize("trainer", ["ddp_sim", "ddp"])
def test_of_several_processes_one_speaks(trainer: str, tmp_path: Path) -> None:
    more = [f"trainer={trainer}", "trainer.accelerator=cpu", "trainer.devices=2"]
    folder = RunFolder(tmp_path / "run")
    ended = run(*words(folder.path, *DIVERGES, *more))
    one_line(ended, 1, r"^training: the loss .* is not a finite number at step 1, epoch 0")
    assert read_status(folder)["state"] == "failed"


def test_a_full_disk_ends_the_run_with_its_status(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    # Files may be no longer than this: enough for the status, too little for a checkpoint.
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (15_000, 15_000))
    ended = run(*words(folder.path), before=limit)
    one_line(ended, 1, "^OSError: .*File too large; the traceback is in .*traceback.txt")
    status = read_status(folder)
    assert (status["state"], status["exit_code"]) == ("failed", 1)
    assert not list(folder.path.rglob("*.tmp"))
    assert not folder.last.exists()


def test_data_that_leave_the_support_late_are_seen_by_the_evaluation(tmp_path: Path) -> None:
    """What is looked at before training is a hundred examples of each split."""
    train, val, test = (np.random.default_rng(n).integers(0, 6, (n, 4), np.uint8) for n in (100, 20, 200))
    test[-1, -1] = 7
    np.savez(tmp_path / "x.npz", train=train, val=val, test=test)
    more = ["data=npz", f"data.path={tmp_path / 'x.npz'}", "data.levels=17"]
    target = f"model.likelihood._target_={TOYS}.LowLevels"
    own = [*FREE, f"hydra.run.dir={tmp_path}/run", "trainer.max_epochs=1", ALLOWED]
    ended = run(*own, *more, "model=discretized_logistic_vae", target, "evaluation.max_examples=null")
    one_line(ended, 2, r"^data \(test\): .*above 5")
