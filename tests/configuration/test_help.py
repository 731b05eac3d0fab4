from __future__ import annotations

import re

from lvm_experiments.configuration import ConfigTree
from lvm_experiments.configuration.help import help_text
from lvm_experiments.configuration.settings import Settings


def test_names_every_group_option_and_key() -> None:
    tree, text = ConfigTree.default(), help_text(ConfigTree.default())
    sections = text.split("groups, the default in brackets:\n")[1].split("\n\n")[0]
    words = re.split(r"\n  (?=\S)", "\n" + sections)[1:]
    found = {entry.split("=")[0]: set(re.findall(r"[\w-]+", entry.split("=", 1)[1])) for entry in words}
    assert found == {group: set(tree.options(group)) for group in tree.groups if tree.options(group)}
    assert all(re.search(rf"^  {name}=", text, re.MULTILINE) for name in Settings.__dataclass_fields__)
    assert re.search(r"^  model=.*\[bernoulli_vae\]", text, re.MULTILINE)
