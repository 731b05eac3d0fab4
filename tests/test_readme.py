"""What the README says there is, is there, and is all there is."""

from __future__ import annotations

import re

import pytest

from lvm_experiments.configuration import ConfigTree
from tests.support.readme import README, table, with_table

TEXT = README.read_text(encoding="utf-8")
BY_HAND = ("evaluation", "trainer", "logger", "sweep", "hparams_search", "hydra/launcher", "debug")


def test_the_parts_of_a_model_are_those_of_the_configuration_files() -> None:
    assert table() in TEXT, "python -m tests.support.readme writes it anew"
    assert with_table(TEXT) == TEXT


@pytest.mark.parametrize("group", BY_HAND)
def test_a_row_names_every_option(group: str) -> None:
    (row,) = re.findall(rf"^\| `{group}=` \|.*\| (.*) \|$", TEXT, re.MULTILINE)
    listed = re.sub(r"\(.*?\)", "", row)
    options = set(ConfigTree.default().options(group)) - {"none", "default"}
    assert set(listed.replace(" ", "").split(",")) == options


def test_every_word_of_a_command_is_a_group_or_a_key_of_one() -> None:
    tree = ConfigTree.default()
    commands = re.findall(r"^python -m lvm_experiments (.*)$", TEXT, re.MULTILINE)
    words = [word.split("=") for line in commands for word in line.split("#")[0].split() if "=" in word]
    assert len(words) > 20
    for name, value, *_ in words:
        for option in value.split(","):
            assert name not in tree.groups or tree.has(name, option), f"{name}={value}"
