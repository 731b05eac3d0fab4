"""The words of the smaller commands: `run=DIR n=64`."""

from __future__ import annotations

__all__ = ["read_words"]

import sys
from collections.abc import Sequence
from typing import Any

from lvm_experiments.configuration.checking import check_request
from lvm_experiments.configuration.composition import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.configuration.tree import conf_dir
from lvm_experiments.errors import RequestError


def read_words(words: Sequence[str], name: str, schema: type) -> dict[str, Any]:
    """A command's configuration from `conf/NAME.yaml` and its words, checked.

    Arguments:
        words: What follows the command; `--help` shows the file, which explains every key, and leaves.
        name: Of the command and its file.
        schema: A dataclass whose fields are the keys that are no groups.

    Raises:
        RequestError: For a word that is wrong.
    """
    if any(word in ("-h", "--help") for word in words):
        print((conf_dir() / f"{name}.yaml").read_text(encoding="utf-8"), end="")
        sys.exit(0)
    flags = [word for word in words if word.startswith("-")]
    if flags:
        hint = f"words are KEY=VALUE; see python -m lvm_experiments.{name} --help"
        raise RequestError(f"no flag {flags[0]}", hint=hint)
    config = to_plain(compose(list(words), name), resolve=True)
    check_request(config, schema)
    return config
