"""A small run in this process, as the program would start it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lvm_experiments.configuration import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.experiment import run
from lvm_experiments.runs import RunFolder
from tests.integration.small import SMALL


def small_run(path: Path, *words: str) -> tuple[RunFolder, dict[str, float]]:
    """The folder of a run that is over, and its final numbers."""
    folder = RunFolder(path)
    config: dict[str, Any] = to_plain(compose([*SMALL, "name=small", "trainer.max_epochs=2", *words]), resolve=True)
    folder.create()
    folder.write_config(config)
    return folder, run(config, folder)
