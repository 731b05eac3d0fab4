"""TensorBoard files in the run folder."""

from __future__ import annotations

__all__ = ["TensorBoardLogger"]

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import loggers
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from lvm_experiments.loggers.base import require
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.history import History


class TensorBoardLogger(loggers.TensorBoardLogger):
    """Lightning's TensorBoard logger, writing below `tensorboard` in the run folder.

    A resumed run hides what was written after its checkpoint.

    Arguments:
        folder: The run's folder.
        config: The whole configuration, resolved; shown as text.
        flush_secs: Seconds after which numbers are on disk.
    """

    def __init__(self, folder: RunFolder, config: Mapping[str, Any], flush_secs: int = 120) -> None:
        require("tensorboard", extra="tensorboard")
        rows = History(folder.metrics).rows()
        super().__init__(
            save_dir=folder.path,
            name="tensorboard",
            version="",
            default_hp_metric=False,
            flush_secs=flush_secs,
            purge_step=int(rows[-1]["step"]) + 1 if rows else None,
        )
        self._config = dict(config)
        self._begun = False

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer, begun when it is first asked for."""
        writer = super().experiment
        if not self._begun:
            self._begun = True
            text = yaml.safe_dump(self._config, sort_keys=False)
            # Markdown: four spaces make it code.
            writer.add_text("config", "".join(f"    {line}\n" for line in text.splitlines()))
        return writer

    @rank_zero_only
    def log_figure(self, name: str, path: Path) -> None:
        """Shows a PNG file."""
        from matplotlib.image import imread

        self.experiment.add_image(f"figures/{name}", imread(path), dataformats="HWC")

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        """Writes out what is still in memory."""
        self.finalize("success" if exit_code == 0 else "failed")
