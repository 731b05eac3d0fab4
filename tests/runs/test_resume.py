from __future__ import annotations

import copy
from typing import Any

import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.runs import resume_config

STORED: dict[str, Any] = {
    "seed": 0,
    "tags": ["a"],
    "scheduler": None,
    "model": {"_target_": "lvm_experiments.models.VAE", "latent_dim": 2, "rate": 0.001},
    "data": {"path": "/old/data", "file": "/old/data/x.npz"},
    "trainer": {"max_epochs": 20, "max_steps": -1, "max_time": None, "deterministic": False},
    "logger": {"wandb": {"project": "p"}},
    "paths": {"root": "outputs", "data_dir": "/old/data"},
    "resume": None,
}


def resume(changes: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(STORED)
    result = resume_config(STORED, changes)
    assert before == STORED
    return result


def test_nothing_changed() -> None:
    assert resume({}) == STORED
    assert resume(copy.deepcopy(STORED)) == STORED


def test_what_may_change() -> None:
    trainer = {"max_epochs": 30, "max_steps": 100, "max_time": "00:01:00:00"}
    logger = {"tensorboard": {"flush_secs": 1}}
    result = resume({"trainer": trainer, "logger": logger, "paths": {"root": "/x"}})
    assert result["trainer"] == STORED["trainer"] | trainer
    assert result["logger"] == logger
    assert result["paths"] == {"root": "/x", "data_dir": "/old/data"}
    assert result["model"] == STORED["model"]
    assert resume({"logger": None})["logger"] is None


def test_what_lies_below_a_moved_folder_moves_along() -> None:
    changes = copy.deepcopy(STORED)
    changes["paths"]["data_dir"] = "/new"
    changes["data"] = {"path": "/new", "file": "/new/x.npz"}
    assert resume(changes)["data"] == changes["data"]
    changes["data"]["file"] = "/new/y.npz"
    with pytest.raises(RequestError, match=r"^data\.file: is '/old/data/x\.npz'"):
        resume(changes)


def test_a_folder_that_was_not_given_before() -> None:
    stored = STORED | {"data": {"path": None}, "paths": {"root": "outputs", "data_dir": None}}
    changes = {"data": {"path": "/new"}, "paths": {"data_dir": "/new"}}
    result = resume_config(stored, changes)
    assert result["data"] == {"path": "/new"}
    assert result["paths"] == {"root": "outputs", "data_dir": "/new"}
    with pytest.raises(RequestError, match=r"data\.path"):
        resume_config(stored, {"data": {"path": "/new"}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed: is 0 in the run to resume, and 1 was asked for"),
        ({"seed": False}, "seed: is 0 in the run to resume, and False was asked for"),
        ({"tags": ["a", "b"]}, "tags: is ['a'] in the run to resume, and ['a', 'b'] was"),
        ({"model": {"latent_dim": 3}}, "model.latent_dim: is 2 in the run to resume, and 3 was"),
        ({"model": {"latnt_dim": 2}}, "model.latnt_dim: is not there in the run to resume"),
        ({"model": None}, "model: is {"),
        ({"scheduler": {"step": 3}}, "scheduler.step: is not there in the run to resume"),
        ({"trainer": {"deterministic": True}}, "trainer.deterministic: is False in the run"),
        ({"trainer": {"max_sleep": 1}}, "trainer.max_sleep: is not there in the run to resume"),
        ({"data": {"path": "/new"}}, "data.path: is '/old/data' in the run to resume"),
    ],
)
def test_what_may_not_change(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as raised:
        resume(changes)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_job_of_a_sweep_has_keys_with_dots_in_them() -> None:
    stored = STORED | {"sweep": {"name": "a", "point": {"model.latent_dim": 2, "model/prior": "nsf"}}}
    assert resume_config(stored, copy.deepcopy(stored)) == stored
    changes = copy.deepcopy(stored)
    changes["sweep"]["point"]["model.latent_dim"] = 3
    with pytest.raises(RequestError, match=r"^sweep\.point\.model\.latent_dim: is 2 in the run to resume, and 3 was"):
        resume_config(stored, changes)


def test_how_a_number_is_written_is_no_change() -> None:
    assert resume({"model": {"rate": 1e-3}, "seed": 0.0, "tags": ("a",)}) == STORED
    assert resume({"resume": "outputs/runs/a"}) == STORED
