"""The history of a run as a file, whatever other loggers there are."""

from __future__ import annotations

__all__ = ["HistoryLogger"]

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History


class HistoryLogger(Logger):
    """Writes metrics.csv: a row per step, every number with all its digits, nothing kept back.

    Goes on with a file that is there; `rewind` takes back what is after a checkpoint.

    Arguments:
        folder: The run's folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        super().__init__()
        self._folder = folder
        self._history = History(folder.metrics)

    @property
    def name(self) -> str:
        """The kind of logger; there is one of it in a folder."""
        return "history"

    @property
    def version(self) -> str:
        """None but this one."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self._folder.path)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._history.add(step or 0, metrics)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: config.yaml has them all."""
