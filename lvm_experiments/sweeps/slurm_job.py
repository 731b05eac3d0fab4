"""What a job of a Slurm array does: it is sent there by name, so importing it costs nothing."""

from __future__ import annotations

__all__ = ["STOP", "SlurmJob"]

import signal
import time
from dataclasses import dataclass
from typing import Any

STOP = ".stop"
"""A file in a job's folder: who has sent SIGTERM wants no more of it."""

_PATIENCE = 900.0  # seconds that Slurm may take to kill a job it has told to stop


@dataclass(frozen=True)
class SlurmJob:
    """Runs the configuration of a folder; called again after it was put back into the queue, it goes on.

    Arguments:
        folder: The run folder.
        allow: Modules of the user's own that its configuration may name.
    """

    folder: str
    allow: tuple[str, ...] = ()

    def __call__(self) -> int:
        from lvm_experiments.job import guarded, run_folder
        from lvm_experiments.runs.folder import RunFolder

        folder = RunFolder(self.folder)
        code = guarded(lambda: run_folder(folder, self.allow), folder)
        if code == 128 + signal.SIGTERM and not (folder.path / STOP).exists():
            # Slurm needs the place. It puts back into the queue what it had to kill, not what has ended by itself.
            time.sleep(_PATIENCE)
        return code

    def checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        """Called by submitit when the time is over: the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)
