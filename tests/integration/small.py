"""The words for runs of about a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lvm_experiments.runs import RunFolder

SMALL = [
    "model.encoder.hidden=[8]",
    "model.decoder.hidden=[8]",
    "model.latent_dim=3",
    "data.limit=320",
    "data.batch_size=50",
    "data.validation=60",
    "data.test=60",
    "evaluation.num_samples=3",
    "evaluation.max_examples=50",
    "trainer.accelerator=cpu",
    "callbacks.summary=null",
    "callbacks.progress=null",
]
STEPS = 7  # of an epoch of 320 examples

SPIES = "tests.support.spies"
TOYS = "tests.support.toys"
ALLOWED = "allow_targets=[tests.support]"


def words(folder: Path, *more: str, epochs: int = 4, spies: bool = False) -> list[str]:
    """A command line for a small run in a folder."""
    own = [f"hydra.run.dir={folder}", f"paths.root={folder.parent}", f"trainer.max_epochs={epochs}"]
    if spies:
        own += [ALLOWED]
    return [*SMALL, *own, *more]


def spy(name: str, **arguments: Any) -> str:
    """A word that adds a callback of the tests."""
    given = ",".join(f"{key}:{value}" for key, value in {"_target_": f"{SPIES}.{name}", **arguments}.items())
    return f"+callbacks.{name.lower()}={{{given}}}"


def outcome(path: Path) -> dict[str, bytes]:
    """What has to be equal to the byte in two runs that are the same."""
    folder = RunFolder(path)
    return {file.name: file.read_bytes() for file in (folder.results, folder.metrics, folder.examples)}
