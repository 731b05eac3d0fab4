"""Weights & Biases, online or offline."""

from __future__ import annotations

__all__ = ["WandbLogger"]

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytorch_lightning import loggers
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import METRICS
from lvm_experiments.loggers.base import experiment_tags, remembered
from lvm_experiments.runs.account import wandb_mode
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.point import point_label, short_facts, sweep_name

if TYPE_CHECKING:
    from wandb import Run

    from lvm_experiments.plots.pairs import ExamplePairs

_STEP = "trainer/global_step"
_SIZE = 64  # pixels that an image in a table should about be wide


class WandbLogger(loggers.WandbLogger):
    """Lightning's W&B logger, with the whole configuration and the best value of every metric.

    Besides the whole configuration stand short keys that runs are grouped by: `likelihood`, `prior`,
    `posterior`, `latent_dim`, and in a sweep the swept values (`short_facts`). Final numbers carry
    them as `point/latent_dim` and the like, so that a panel can have them on its axis. The summary
    keeps the best of a validation metric (`val/elbo.max`) and the last of a test metric (`test/nll`),
    which is that of the best checkpoint. A table `examples` shows test images, the same of every run.

    The run's id stays in the run folder, so that a resumed run goes on with the same record (online;
    offline W&B writes another piece under the same id). What was trained after the last checkpoint is
    trained again, to the same numbers, and stands in W&B's history twice, at the same
    `trainer/global_step`: W&B can take rows back only on its server. `metrics.csv` holds each once.
    The files lie below `wandb` in the run folder, in a form that `wandb leet` shows and `wandb sync` sends.

    Arguments:
        folder: The run's folder.
        config: The whole configuration, resolved.
        project: The project.
        entity: Who owns the project; None for the default of the account.
        group: What the run is grouped with; None for its sweep.
        job_type: The kind of job within the group.
        name: What it is called; None for its place in the sweep, or the configuration's `name`.
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
        mode = wandb_mode(offline=offline)
        if log_model and mode != "online":
            raise RequestError(
                "checkpoints cannot be uploaded offline",
                where="logger.wandb.log_model",
                hint="set it to false, or configure an API key with `wandb login`",
            )
        super().__init__(
            name=name or point_label(config) or config.get("name"),
            save_dir=folder.path,
            version=remembered(folder.path / ".wandb_id", _new_id),
            project=project,
            log_model=log_model,
            entity=entity,
            group=group or sweep_name(config),
            job_type=job_type,
            tags=[*experiment_tags(config), *tags],
            # Not Lightning's `offline`, which changes the environment of the whole process.
            mode=mode,
        )
        # wandb has given it up and says so at every start.
        self._wandb_init.pop("anonymous", None)
        self._config = dict(config)
        self._facts = short_facts(config)
        self._pid = os.getpid()

    @property
    @rank_zero_experiment
    def experiment(self) -> Run:
        """The W&B run, begun when it is first asked for."""
        begun = self._experiment is not None
        run = super().experiment
        if not begun:
            run.config.update({**self._facts, **self._config}, allow_val_change=True)
            for metric in METRICS.values():
                if metric.higher_is_better is not None:
                    summary = "max" if metric.higher_is_better else "min"
                    run.define_metric(f"val/{metric.name}", summary=summary, step_metric=_STEP, step_sync=True)
        return run

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        place: dict[str, float] = {}
        if any(name.startswith("test/") for name in metrics):
            place = {f"point/{key}": value for key, value in self._facts.items() if isinstance(value, int | float)}
        super().log_metrics({**metrics, **place}, step)

    @rank_zero_only
    def log_figure(self, name: str, path: Path) -> None:
        """Shows a PNG file as a panel."""
        import wandb

        self.experiment.log({f"figures/{name}": wandb.Image(str(path))})

    @rank_zero_only
    def log_examples(self, pairs: ExamplePairs) -> None:
        """Shows images beside their reconstructions: a table of the same columns for every run of a sweep."""
        import wandb

        facts = [self._facts.get("latent_dim"), self._facts.get("likelihood")]
        table = wandb.Table(columns=["index", "image", "reconstruction", "latent_dim", "likelihood", "nll"])
        zoom = max(1, round(_SIZE / max(pairs.images.shape[1:3])))
        large = [pictures.repeat(zoom, 1).repeat(zoom, 2) for pictures in (pairs.images, pairs.means)]
        for index, nll, image, mean in zip(pairs.index.tolist(), pairs.nll.tolist(), *large, strict=True):
            table.add_data(index, wandb.Image(image), wandb.Image(mean), *facts, None if isnan(nll) else nll)
        with _kept_in(Path(self.save_dir or ".")):
            self.experiment.log({"examples": table})

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


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Files that are to be sent lie with the run until they are, not in the home directory of whoever ran it."""
    if "WANDB_DATA_DIR" in os.environ:
        yield
        return
    os.environ["WANDB_DATA_DIR"] = str(folder / "wandb")
    try:
        yield
    finally:
        del os.environ["WANDB_DATA_DIR"]


def _new_id() -> str:
    # An agent of a W&B sweep has given the run its id already.
    given = os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None
    return given or secrets.token_hex(4)
