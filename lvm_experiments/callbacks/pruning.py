"""An early end for a trial of a search that falls behind the others."""

from __future__ import annotations

__all__ = ["Pruned", "Pruning", "open_storage"]

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytorch_lightning import Callback, LightningModule, Trainer

from lvm_experiments.callbacks.base import Monitor
from lvm_experiments.errors import Interrupted
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.types import NonNegativeInt

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import RDBStorage

_PATIENCE = 60.0  # seconds to wait for another process that writes to the data base


class Pruned(Interrupted):
    """The run was ended because others do better. Nothing went wrong: exit code 0.

    Arguments:
        epoch: The last epoch it trained, counted from 0.
        metric: What it is judged by.
        value: Its value there.
    """

    def __init__(self, epoch: int, metric: str, value: float) -> None:
        Exception.__init__(self, f"pruned after epoch {epoch}, {metric} {value:.6g}")
        self.exit_code = 0


class Pruning(Callback):
    """Reports the monitored metric of every epoch to the search, and ends a run that its pruner gives up.

    The data base is the channel: what has been reported there survives the run and the search. A resumed run
    trains some epochs again, to the same numbers, which are not reported twice.

    Arguments:
        storage: The search's data base, from the run's folder on.
        study: The search's name in it.
        trial: The trial's number.
        pruner: What decides; `none` only reports.
        startup_trials: Trials to complete before any is pruned.
        warmup_epochs: Epochs in which none is pruned.

    Raises:
        Pruned: At the start of the epoch after the one that decided it, on every process of the run.
    """

    def __init__(
        self,
        storage: str,
        study: str,
        trial: NonNegativeInt,
        pruner: Literal["median", "none"] = "median",
        startup_trials: NonNegativeInt = 5,
        warmup_epochs: NonNegativeInt = 0,
    ) -> None:
        super().__init__()
        self.storage, self.study, self.trial = storage, study, trial
        self.pruner, self.startup_trials, self.warmup_epochs = pruner, startup_trials, warmup_epochs
        self._study: Study | None = None
        self._end: Pruned | None = None

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        """Takes the folder that the data base is found from, and the metric to report."""
        self.folder, self.monitor = folder, monitor

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        value = trainer.callback_metrics.get(self.monitor.name)
        if trainer.sanity_checking or value is None:
            return
        stops = trainer.is_global_zero and self._report(trainer.current_epoch, float(value))
        if trainer.strategy.broadcast(stops):
            self._end = Pruned(trainer.current_epoch, self.monitor.name, float(value))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Not sooner, so that the history holds the epoch; and never after the last one, which has nothing to save.
        if self._end is None:
            return
        if trainer.is_global_zero:
            self._trial().set_user_attr("pruned", str(self._end))
        raise self._end

    def _report(self, epoch: int, value: float) -> bool:
        trial = self._trial()
        assert self._study is not None
        if epoch not in self._study.trials[self.trial].intermediate_values:
            trial.report(value, epoch)
        return trial.should_prune()

    def _trial(self) -> Any:
        import optuna

        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            storage = open_storage(self.folder.path / self.storage, exists=True)
            pruner = (
                optuna.pruners.MedianPruner(self.startup_trials, self.warmup_epochs)
                if self.pruner == "median"
                else optuna.pruners.NopPruner()
            )
            self._study = optuna.load_study(study_name=self.study, storage=storage, pruner=pruner)
        return optuna.trial.Trial(self._study, self._study.trials[self.trial]._trial_id)


def open_storage(path: Path, *, exists: bool = False) -> RDBStorage:
    """The data base of a search.

    Arguments:
        path: The file.
        exists: It has its tables already.
    """
    from optuna.storages import RDBStorage

    # Through a function of ours: in an address, some letters of a path would have another meaning.
    engine = {"creator": lambda: sqlite3.connect(path.resolve(), timeout=_PATIENCE, check_same_thread=False)}
    return RDBStorage(
        "sqlite:///search.db", engine_kwargs=engine, skip_compatibility_check=exists, skip_table_creation=exists
    )
