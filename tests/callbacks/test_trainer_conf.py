"""The Trainer's own arguments in conf/trainer: all of them, but those that code fills in."""

from __future__ import annotations

import inspect
from pathlib import Path

import yaml
from pytorch_lightning import Trainer

FILLED_IN = {"logger", "callbacks", "default_root_dir", "plugins"}
OF_NO_USE = {"barebones", "model_registry"}  # excludes all callbacks; belongs to a service


def test_every_argument_in_the_trainer_s_order() -> None:
    path = Path(__file__).parents[2] / "conf" / "trainer" / "default.yaml"
    keys = list(yaml.safe_load(path.read_text()))
    expected = [n for n in inspect.signature(Trainer).parameters if n not in FILLED_IN | OF_NO_USE]
    assert keys == ["_target_", *expected]
