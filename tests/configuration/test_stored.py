from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.configuration import ConfigTree
from lvm_experiments.configuration.composition import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.stored import with_changes
from lvm_experiments.errors import RequestError


@pytest.fixture
def stored() -> dict[str, Any]:
    return to_plain(compose(["name=mine"]), resolve=True)


def changed(stored: dict[str, Any], *words: str) -> dict[str, Any]:
    return with_changes(stored, words, ConfigTree.default(), Path("/runs/one"))


def test_nothing_changes_by_itself(stored: dict[str, Any]) -> None:
    assert changed(stored) == stored


def test_values_are_set(stored: dict[str, Any]) -> None:
    found = changed(stored, "trainer.max_epochs=77", "paths.data_dir=/somewhere")
    assert found["trainer"]["max_epochs"] == 77
    assert found["data"]["path"] == "/somewhere"
    assert stored["trainer"]["max_epochs"] != 77


def test_a_logger_is_chosen_and_its_keys_set(stored: dict[str, Any]) -> None:
    found = changed(stored, "logger=wandb", "logger.wandb.project=p")
    assert found["logger"]["wandb"]["project"] == "p"
    assert {**found, "logger": stored["logger"]} == stored


def test_a_logger_sees_the_run_it_is_for(stored: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "logger").mkdir()
    (tmp_path / "logger" / "mine.yaml").write_text("{name: '${name}', folder: '${hydra:runtime.output_dir}'}")
    tree = ConfigTree.default([tmp_path])
    found = with_changes(stored, ["logger=mine"], tree, Path("/runs/one"))
    assert found["logger"] == {"name": "mine", "folder": "/runs/one"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("model=gaussian_vae", "model=gaussian_vae: a resumed run keeps its model; only "),
        ("logger=wandbb", "logger: no option 'wandbb'; did you mean wandb?"),
        ("trainer.max_epoch=3", "trainer.max_epoch: no such key; did you mean trainer.max_epochs?"),
        ("+trainer.max_epoch=3", "trainer.max_epoch: no such key; did you mean trainer.max_epochs?"),
    ],
)
def test_what_cannot_be(word: str, expected: str, stored: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        changed(stored, word)
    assert str(caught.value).startswith(expected)


def test_a_strangers_interpolation_is_not_resolved(stored: dict[str, Any]) -> None:
    stored["tags"] = ["${oc.env:HOME}"]
    with pytest.raises(RequestError, match=r"^tags\.0: .* is not resolved"):
        changed(stored)
