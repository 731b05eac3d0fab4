"""A model back from a folder, with values in the data's own units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lvm_experiments
from lvm_experiments.batch import Batch
from lvm_experiments.configuration import compose, instantiate
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.data import Digits
from lvm_experiments.errors import RequestError
from lvm_experiments.observations import Identity
from lvm_experiments.runs import RunFolder, write_json
from lvm_experiments.runs.checkpoint_file import read_checkpoint, write_checkpoint
from lvm_experiments.runs.load import TrainedModel, best_device, load_parameters, read_spec

DIGITS = Digits(None, 50, 60, 60, 100)


def folder_of(path: Path, *words: str) -> RunFolder:
    """What a run leaves that `load` needs; nothing has been trained."""
    folder = RunFolder(path)
    folder.create()
    small = ["model.encoder.hidden=[8]", "model.decoder.hidden=[8]", "model.latent_dim=2"]
    config = to_plain(compose([*small, *words]), resolve=True)
    folder.write_config(config)
    data = DIGITS.load()
    write_json(folder.spec, data.spec.to_json())
    observation = instantiate(config["observation"], "observation")(data.spec)
    torch.manual_seed(7)
    model = instantiate(config["model"], "model")(observation.spec)
    for path in (folder.best, folder.last):
        write_checkpoint(path, {"state_dict": {f"model.{k}": v for k, v in model.state_dict().items()}})
        torch.nn.init.constant_(model.decoder.layers[-1].bias, 3.0)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return folder_of(tmp_path / "run")


@pytest.fixture
def trained(folder: RunFolder) -> TrainedModel:
    return lvm_experiments.load(folder.path)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """One for all tests that only ask it something."""
    return lvm_experiments.load(folder_of(tmp_path_factory.mktemp("asked") / "run"))


def images() -> torch.Tensor:
    return DIGITS.load().test.x[:6]


def test_it_is_ready_to_be_asked(trained: TrainedModel) -> None:
    assert not trained.model.training
    assert trained.device == torch.device("cpu")
    assert (trained.spec.space, trained.spec.levels, trained.spec.shape) == ("bytes", 17, (1, 8, 8))
    assert trained.model.spec.space == "binary"
    assert trained.config["model"]["latent_dim"] == 2


def test_best_and_last_are_two(folder: RunFolder) -> None:
    best, last = (lvm_experiments.load(folder, checkpoint=name) for name in ("best", "last"))
    assert last.sample(50, mean=True).float().mean() > best.sample(50, mean=True).float().mean() + 3
    with pytest.raises(RequestError, match=r"^checkpoint: no checkpoint is called 'first'; choose best or last"):
        lvm_experiments.load(folder, checkpoint="first")


def test_a_seed_gives_the_same_draws_and_leaves_the_callers_alone(trained: TrainedModel) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = trained.sample(4, seed=2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(trained.sample(4, seed=2), first)
    assert not torch.equal(trained.sample(4, seed=3), first)
    assert not torch.equal(trained.sample(4, seed=2, mean=True), first)


def test_samples_are_values_of_the_data(trained: TrainedModel) -> None:
    draws = trained.sample(30)
    assert draws.shape == (30, 1, 8, 8)
    # A binarised model knows black and white only, in grey levels 0 and 16.
    assert set(draws.unique().tolist()) == {0.0, 16.0}
    means = trained.sample(30, mean=True)
    assert 0 <= means.min() < means.max() <= 16
    assert set((means * 17 % 1).abs().round().unique().tolist()) <= {0.0, 1.0}


def test_the_same_example_gets_the_same_noise_whatever_stands_beside_it(trained: TrainedModel) -> None:
    x = images()
    whole = trained.encode(x)["z"]
    assert whole.shape == (6, 2)
    torch.rand(5)
    assert torch.equal(trained.encode(x)["z"], whole)
    rows = torch.tensor([4, 2])
    # But for rounding: products of few rows may be added up in another order.
    torch.testing.assert_close(trained.encode(Batch(x[rows], index=rows))["z"], whole[rows])
    assert not torch.allclose(trained.encode(x, seed=1)["z"], whole)
    assert not torch.allclose(trained.encode(x[rows])["z"], whole[rows])  # which are then numbers 0 and 1


def test_reconstructions_are_those_of_the_model(trained: TrainedModel) -> None:
    x = images()
    inside = trained.model.decode(trained.encode(x))
    assert torch.equal(trained.reconstruct(x), trained.observation.inverse(inside, rounded=False))
    assert trained.reconstruct(x).shape == x.shape


def test_evidence_has_its_error_and_refuses_what_has_no_density(trained: TrainedModel) -> None:
    evidence = trained.evidence(images(), 30, seed=4)
    assert evidence.log_p.shape == (6,)
    assert evidence.num_samples == 30
    assert (evidence.standard_error > 0).all()
    assert torch.equal(evidence.log_p, trained.evidence(images(), 30, seed=4).log_p)
    real = TrainedModel(trained.model, Identity(trained.spec), trained.config, trained.folder)
    with pytest.raises(RequestError, match=r"^x: BernoulliLikelihood is a distribution over binary values"):
        real.evidence(images())


ARRAYS: dict[str, Any] = {
    "bytes": lambda x: x.numpy(),
    "floats": lambda x: x.numpy().astype(np.float32),
    "double floats": lambda x: x.double(),
    "foreign integers": lambda x: x.numpy().astype(">u4"),
    "a list": lambda x: x.tolist(),
    "a batch of arrays": lambda x: Batch(x.numpy(), index=np.arange(6)),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_are_as_good_as_tensors(kind: str, asked: TrainedModel) -> None:
    x, given = images(), ARRAYS[kind](images())
    assert torch.equal(asked.encode(given)["z"], asked.encode(x)["z"])
    assert torch.equal(asked.reconstruct(given), asked.reconstruct(x))
    assert torch.equal(asked.evidence(given, 3).log_p, asked.evidence(x, 3).log_p)
    assert asked.encode(asked.sample(4).numpy())["z"].shape == (4, 2)


BESIDE: dict[str, tuple[dict[str, Any], str]] = {
    "a mask of other cells": ({"mask": torch.ones(6, 5, dtype=torch.bool)}, r"^x: mask of shape \(6, 5\) beside x of"),
    "a short mask": ({"mask": torch.ones(4, 1, 8, 8)}, r"^x: mask of shape \(4, 1, 8, 8\) beside x of shape"),
    "too few numbers": ({"index": torch.arange(3)}, r"^x: index of shape \(3,\) beside"),
    "no class": ({"label": torch.full((6,), 10)}, r"^label: labels that are none of 10 classes$"),
    "conditions": ({"condition": torch.zeros(6, 3)}, r"^condition: conditions of shape \(6, 3\) where the model takes"),
}


@pytest.mark.parametrize("beside", BESIDE)
def test_what_stands_beside_observations_has_to_fit(beside: str, asked: TrainedModel) -> None:
    fields, words = BESIDE[beside]
    for ask in (asked.encode, asked.reconstruct, asked.evidence, asked.impute):
        with pytest.raises(RequestError, match=words):
            ask(Batch(images(), **fields))


def test_a_mask_may_be_of_numbers(asked: TrainedModel) -> None:
    mask = torch.arange(64).reshape(1, 8, 8).expand(6, 1, 8, 8) % 2
    as_numbers, as_truths = (asked.encode(Batch(images(), mask=m))["z"] for m in (mask.float(), mask.bool()))
    assert torch.equal(as_numbers, as_truths)


def test_conditions_to_draw_with_have_to_fit(asked: TrainedModel) -> None:
    with pytest.raises(RequestError, match=r"^condition: conditions of shape \(2, 3\) where the model takes none$"):
        asked.sample(5, condition=torch.zeros(2, 3))
    with pytest.raises(RequestError, match=r"^n: there are no -1 draws$"):
        asked.sample(-1)


def test_a_model_of_labels_asks_for_them(tmp_path: Path) -> None:
    trained = lvm_experiments.load(folder_of(tmp_path / "run", "model=cvae"))
    for ask in (trained.encode, trained.reconstruct, trained.evidence):
        with pytest.raises(RequestError, match=r"^x: the model is conditioned on labels, .*; give a Batch, with the"):
            ask(images())
    assert trained.encode(Batch(images(), label=torch.arange(6)))["z"].shape == (6, 2)


def test_true_and_false_are_one_and_zero(asked: TrainedModel) -> None:
    black = images() > 8
    for given in (black, black.numpy()):
        assert torch.equal(asked.encode(given)["z"], asked.encode(black.to(torch.uint8))["z"])


def spoiled(value: float) -> torch.Tensor:
    x = images().float()
    x[2, 0, 3, 3] = value
    return x


FOREIGN: dict[str, tuple[Any, str]] = {
    "one example": (lambda: images()[0], r"x: examples of shape (8, 8) where (1, 8, 8) was expected; the first axis"),
    "another size": (lambda: torch.zeros(2, 1, 7, 8), "x: examples of shape (1, 7, 8) where (1, 8, 8) was expected; "),
    "nothing": (lambda: Batch(None, label=torch.zeros(3)), "x: there are no observations"),
    "too large": (lambda: spoiled(17), "x: values from 0 to 17 where 17 levels are integers from 0 to 16"),
    "below": (lambda: spoiled(-1), "x: values from -1 to 16 where 17 levels are integers from 0 to 16"),
    "between": (lambda: spoiled(0.5), "x: values from 0 to 16 where 17 levels are integers from 0 to 16"),
    "scaled": (lambda: images() / 16, "x: values from 0 to 1 where 17 levels are integers from 0 to 16"),
    "missing": (lambda: spoiled(float("nan")), "x: NaN or infinite values; a mask says which cells are missing"),
    "infinite": (lambda: spoiled(float("inf")).numpy(), "x: NaN or infinite values; a mask says"),
    "words": (lambda: np.full((2, 1, 8, 8), "a"), "x: <U1 where numbers were expected"),
    "objects": (lambda: np.full((2, 1, 8, 8), None), "x: object where numbers were expected"),
    "ragged": (lambda: [[1.0], [1.0, 2.0]], "x: rows of different lengths"),
}


@pytest.mark.parametrize("wrong", FOREIGN)
def test_what_the_data_cannot_be_is_refused_by_every_question(wrong: str, asked: TrainedModel) -> None:
    make, text = FOREIGN[wrong]
    for ask in (asked.observe, asked.encode, asked.reconstruct, asked.evidence):
        with pytest.raises(RequestError) as refused:
            ask(make())
        assert str(refused.value).startswith(text)


def test_a_cell_that_is_missing_may_hold_anything(asked: TrainedModel) -> None:
    x, mask = images().float(), torch.ones(6, 1, 8, 8, dtype=torch.bool)
    x[2, 0, 3, 3], mask[2, 0, 3, 3] = 99.0, False
    assert asked.observe(Batch(x, mask=mask)).x.shape == (6, 1, 8, 8)
    x[2, 0, 3, 4] = 99.0
    with pytest.raises(RequestError, match=r"^x: values from 0 to 99 where 17 levels are integers from 0 to 16$"):
        asked.observe(Batch(x, mask=mask))


def test_no_data_set_is_read(folder: RunFolder) -> None:
    config = folder.read_config()
    config["data"] = {"_target_": "lvm_experiments.data.Npz", "path": "/nowhere"}
    folder.write_config(config)
    assert lvm_experiments.load(folder).sample(1).shape == (1, 1, 8, 8)


WRONG: dict[str, tuple[Any, str]] = {
    "no spec": (lambda f: f.spec.unlink(), "spec.json: no such file"),
    "another spec": (lambda f: f.spec.write_text("{}"), "spec.json: does not describe data"),
    "no checkpoint": (lambda f: f.best.unlink(), "best.ckpt: no such checkpoint"),
    "no state": (lambda f: write_checkpoint(f.best, {"epoch": 1}), "best.ckpt: is no checkpoint of a run"),
    "no config": (lambda f: f.config.unlink(), "is not the folder of a run; give the folder that holds config.yaml"),
    "no model": (lambda f: f.write_config({"observation": {}}), "config.yaml: has no model; give the folder of a run"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_folder_that_is_no_runs_is_refused(wrong: str, folder: RunFolder) -> None:
    spoil, text = WRONG[wrong]
    spoil(folder)
    with pytest.raises(RequestError) as refused:
        lvm_experiments.load(folder.path)
    assert text in str(refused.value)


def test_a_parameter_that_does_not_fit_is_named(folder: RunFolder) -> None:
    model = lvm_experiments.load(folder).model
    state = read_checkpoint(folder.best)["state_dict"]
    before = {name: x.clone() for name, x in model.state_dict().items()}
    lacks, holds, shaped = (dict(state) for _ in range(3))
    del lacks["model.posterior.parameters_of.bias"]
    holds["model.more"] = torch.zeros(1)
    shaped["model.posterior.parameters_of.bias"] = torch.zeros(9)
    for content, text in [
        (lacks, "lacks the parameter posterior.parameters_of.bias; it belongs to another model"),
        (holds, "holds, and this model does not have, the parameter more; it belongs to another model"),
        (shaped, r"its parameter posterior.parameters_of.bias has shape \(9,\), and this model's \(4,\)"),
    ]:
        write_checkpoint(folder.last, {"state_dict": content})
        with pytest.raises(RequestError, match=text):
            load_parameters(model, folder.last)
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())


def test_nothing_is_executed_that_is_not_allowed(folder: RunFolder) -> None:
    config = folder.read_config()
    for key in ("model", "observation", "optimizer", "callbacks"):  # built here or not
        folder.write_config({**config, key: {"_target_": "os.getcwd", "_partial_": True}})
        with pytest.raises(RequestError, match=f"^{key}: 'os.getcwd' may not be named"):
            lvm_experiments.load(folder)


def test_the_spec_comes_back_as_it_was(folder: RunFolder) -> None:
    spec, own = read_spec(folder), DIGITS.load().spec
    assert json.loads(folder.spec.read_text())["space"] == "bytes"
    assert (spec.space, spec.shape, spec.levels, spec.classes, spec.size) == ("bytes", (1, 8, 8), 17, 10, 100)
    assert own.mean is not None
    assert spec.mean is not None
    assert torch.equal(spec.mean, own.mean)


def test_a_device_that_is_not_there_is_refused() -> None:
    assert best_device("cpu") == torch.device("cpu")
    assert best_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(RequestError, match=r"^device: there is no device 'tpux' here; choose cpu or auto"):
        best_device("tpux")


@pytest.mark.gpu
def test_it_goes_to_the_gpu(folder: RunFolder) -> None:
    there, here = (lvm_experiments.load(folder, device=name) for name in ("cuda", "cpu"))
    assert there.device.type == "cuda"
    assert there.sample(3).device.type == "cuda"
    assert torch.allclose(there.encode(images())["z"].cpu(), here.encode(images())["z"], atol=1e-5)
