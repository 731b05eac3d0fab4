"""Weights & Biases, online or offline."""

from __future__ import annotations

__all__ = ["WandbLogger"]

import netrc
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytorch_lightning import loggers
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import METRICS
from lvm_experiments.loggers.base import experiment_tags, remembered
from lvm_experiments.runs.folder import RunFolder

if TYPE_CHECKING:
    from wandb import Run

_STEP = "trainer/global_step"


class WandbLogger(loggers.WandbLogger):
    """Lightning's W&B logger, with the whole configuration and the best value of every metric.

    The run's id stays in the run folder, so that a resumed run goes on with the same record (online;
    offline W&B writes another piece under the same id). Its files lie below `wandb` there, in a form
    that `wandb leet` shows and `wandb sync` sends.

    Arguments:
        folder: The run's folder.
        config: The whole configuration, resolved.
        project: The project.
        entity: Who owns the project; None for the default of the account.
        group: What the run is grouped with.
        job_type: The kind of job within the group.
        name: What it is called; None for the configuration's `name`.
        tags: Words besides the configuration's `tags` and `extra_tags`.
        offline: Write only to disk. None: where `WANDB_MODE` says so, or no API key is configured.
        log_model: Upload checkpoints.

    Raises:
        RequestError: Checkpoints are to be uploaded offline.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Mapping[str, Any],
        project: str = "lvm_experiments",
        entity: str | None = None,
        group: str | None = None,
        job_type: str | None = "train",
        name: str | None = None,
        tags: Sequence[str] = (),
        *,
        offline: bool | None = None,
        log_model: bool = False,
    ) -> None:
        mode = _mode(offline=offline)
        if log_model and mode != "online":
            raise RequestError(
                "checkpoints cannot be uploaded offline",
                where="logger.wandb.log_model",
                hint="set it to false, or configure an API key with `wandb login`",
            )
        super().__init__(
            name=name or config.get("name"),
            save_dir=folder.path,
            version=remembered(folder.path / ".wandb_id", lambda: secrets.token_hex(4)),
            project=project,
            log_model=log_model,
            entity=entity,
            group=group,
            job_type=job_type,
            tags=[*experiment_tags(config), *tags],
            # Not Lightning's `offline`, which changes the environment of the whole process.
            mode=mode,
        )
        # wandb has given it up and says so at every start.
        self._wandb_init.pop("anonymous", None)
        self._config = dict(config)
        self._pid = os.getpid()

    @property
    @rank_zero_experiment
    def experiment(self) -> Run:
        """The W&B run, begun when it is first asked for."""
        begun = self._experiment is not None
        run = super().experiment
        if not begun:
            run.config.update(self._config, allow_val_change=True)
            for metric in METRICS.values():
                if metric.higher_is_better is not None:
                    summary = "max" if metric.higher_is_better else "min"
                    for split in ("val", "test"):
                        run.define_metric(
                            f"{split}/{metric.name}",
                            summary=summary,
                            step_metric=_STEP,
                            step_sync=True,
                        )
        return run

    @rank_zero_only
    def log_figure(self, name: str, path: Path) -> None:
        """Shows a PNG file as a panel."""
        import wandb

        self.experiment.log({f"figures/{name}": wandb.Image(str(path))})

    def finalize(self, status: str) -> None:
        super().finalize(status)
        if os.getpid() != self._pid:
            # A forked process of DDP ends without any clean-up of its own.
            self.close(0 if status == "success" else 1)

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        """Ends the W&B run."""
        if self._experiment is not None:
            self._experiment.finish(exit_code=exit_code)
            self._experiment = None


def _mode(*, offline: bool | None) -> str:
    asked = os.environ.get("WANDB_MODE", "")
    if asked == "disabled":
        return asked
    if offline is None:
        offline = asked in ("offline", "dryrun") or not _has_key()
    return "offline" if offline else "online"


def _has_key() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or "https://api.wandb.ai").hostname
    given = os.environ.get("NETRC")
    for path in [Path(given)] if given else [Path.home() / ".netrc", Path.home() / "_netrc"]:
        try:
            if path.is_file() and netrc.netrc(path).authenticators(host or ""):
                return True
        except (OSError, netrc.NetrcParseError):
            continue  # what cannot be read holds no key that wandb could use either
    return False
