"""Back to the last checkpoint, as if nothing had happened since."""

from __future__ import annotations

__all__ = ["refuse_shorter", "rewind"]

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.checkpoint_file import read_checkpoint
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History
from lvm_experiments.runs.rank import is_rank_zero


def refuse_shorter(folder: RunFolder, trainer: Mapping[str, Any]) -> None:
    """Refuses to go on with a run to a length that it has passed already, before anything of it is touched.

    Arguments:
        folder: The run's folder.
        trainer: The configuration of the trainer that was asked for.

    Raises:
        RequestError: Names the limit and how far the run is.
    """
    if not folder.last.exists():
        return
    checkpoint = read_checkpoint(folder.last)
    # Not Lightning's steps, which are those of every optimiser.
    updates = checkpoint.get("state_dict", {}).get("_extra_state", {}).get("updates", 0)
    for key, done in {"max_epochs": checkpoint.get("epoch", 0), "max_steps": updates}.items():
        limit = trainer.get(key)
        if isinstance(limit, int) and 0 <= limit < done:
            raise RequestError(
                f"{limit} is asked for, and the run has {done} already",
                where=f"trainer.{key}",
                hint="give a larger number, or start a new run",
            )


def rewind(folder: RunFolder) -> Path | None:
    """Takes back what a run wrote after its last checkpoint, and what it wrote at its end.

    Only the run's first process touches the folder.

    Arguments:
        folder: The run's folder, owned by this process.

    Returns:
        The checkpoint to go on from; None where there is none, and the run starts again.

    Raises:
        RequestError: The checkpoint is damaged, or not one of a run.
    """
    if not is_rank_zero():
        return folder.last if folder.last.exists() else None
    for path in (folder.results, folder.examples, folder.traceback):
        path.unlink(missing_ok=True)
    if folder.figures.exists():
        shutil.rmtree(folder.figures)
    if not folder.last.exists():
        # A best one without a last one was written the moment before the end.
        folder.best.unlink(missing_ok=True)
        folder.metrics.unlink(missing_ok=True)
        return None
    steps = read_checkpoint(folder.last).get("logged_steps")
    if not isinstance(steps, int):
        raise RequestError("is not the checkpoint of a run", where=str(folder.last))
    History(folder.metrics).cut(steps)
    return folder.last
