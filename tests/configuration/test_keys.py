from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lvm_experiments.configuration.keys import ABSENT, lookup, paths, split_key, unknown_group, unknown_key

CONFIG: dict[str, Any] = {
    "seed": 0,
    "name": "x",
    "model": {
        "_target_": "toy.Model",
        "latent_dim": 2,
        "encoder": {"_target_": "toy.Encoder", "hidden": [1, 2], "activation": "relu"},
        "likelihood": {"_target_": "toy.Likelihood", "variance": 0.1},
    },
    "trainer": {"max_epochs": 3, "devices": [0], "precision": "32-true"},
    "optimizer": {"lr": 0.1},
    "scheduler": None,
}
GROUPS = ("model", "model/encoder", "model/likelihood", "optimizer", "scheduler", "trainer")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("latent_dim", "model.latent_dim"),
        ("model.latnt_dim", "model.latent_dim"),
        ("max_epochs", "trainer.max_epochs"),
        ("max_epoch", "trainer.max_epochs"),
        ("trainer.max_epoch", "trainer.max_epochs"),
        ("modle.latent_dim", "model.latent_dim"),
        ("modl.encoder.hiden", "model.encoder.hidden"),
        ("lr", "optimizer.lr"),
        ("sede", "seed"),
        ("likelihood", "model/likelihood="),
        ("model.encoder.hiden", "model.encoder.hidden"),
    ],
)
def test_names_what_was_meant(key: str, meant: str) -> None:
    assert unknown_key(key, CONFIG, GROUPS).hint == f"did you mean {meant}?"


def test_lists_the_keys_where_nothing_is_near() -> None:
    assert unknown_key("trainer.qqq", CONFIG, GROUPS).hint == "valid here: max_epochs, devices, precision"
    assert unknown_key("trainer.latnt_dims", CONFIG, GROUPS).hint == "valid here: max_epochs, devices, precision"


def test_below_nothing_it_says_to_choose_first() -> None:
    assert "scheduler=NAME" in unknown_key("scheduler.gamma", CONFIG, GROUPS).hint
    assert "has no keys" in unknown_key("seed.x", CONFIG, GROUPS).hint


def test_groups_have_their_nearest_too() -> None:
    assert unknown_group("model/likelyhood", GROUPS).hint == "did you mean model/likelihood?"
    assert unknown_group("encoder", GROUPS).hint == "did you mean model/encoder?"


def test_indices_are_parts_of_a_key() -> None:
    assert split_key("trainer.devices[0]") == ["trainer", "devices", "0"]
    assert lookup(CONFIG, ["trainer", "devices", "0"]) == 0
    assert lookup(CONFIG, ["trainer", "devices", "1"]) is ABSENT


@given(path=st.sampled_from(list(paths(CONFIG))), place=st.integers(0, 30), letter=st.sampled_from(["", "q", "_"]))
def test_whatever_is_suggested_is_there(path: str, place: int, letter: str) -> None:
    """One letter lost or changed: the suggestion is a key that exists, or the list of those that do."""
    place %= len(path)
    assume(path[place] != ".")
    typed = path[:place] + letter + path[place + 1 :]
    assume(all(typed.split(".")) and lookup(CONFIG, split_key(typed)) is ABSENT)
    error = unknown_key(typed, CONFIG, GROUPS)
    assert error.where == typed
    if found := re.fullmatch(r"did you mean (.*)\?", error.hint):
        for one in found[1].split(" or "):
            if one.endswith("="):
                assert one[:-1] in GROUPS
            else:
                assert lookup(CONFIG, split_key(one)) is not ABSENT
    else:
        assert error.hint.startswith("valid here: ") or "has no keys" in error.hint or "=NAME" in error.hint


@given(path=st.sampled_from([p for p in paths(CONFIG) if len(p.split(".")[-1]) >= 4]), place=st.integers(0, 30))
def test_a_lost_letter_is_forgiven(path: str, place: int) -> None:
    above, _, last = path.rpartition(".")
    place %= len(last)
    typed = f"{above}.{last[:place]}{last[place + 1 :]}".lstrip(".")
    assert unknown_key(typed, CONFIG, GROUPS).hint == f"did you mean {path}?"
