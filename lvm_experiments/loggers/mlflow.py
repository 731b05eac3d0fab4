"""MLflow, in a local data base that all runs below one folder share."""

from __future__ import annotations

__all__ = ["MlflowLogger"]

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import loggers
from pytorch_lightning.loggers.logger import rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

from lvm_experiments.loggers.base import experiment_tags, require
from lvm_experiments.runs.files import atomic_write
from lvm_experiments.runs.folder import RunFolder

_STATES = {0: "FINISHED", 130: "KILLED", 143: "KILLED"}


class MlflowLogger(loggers.MLFlowLogger):
    """Lightning's MLflow logger, with the whole configuration as parameters.

    Numbers go to `mlflow.db`, pictures to `mlruns`, both where outputs go (`paths.root`); look at
    them with `mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db`. A resumed run goes on with
    the same record.

    Arguments:
        folder: The run's folder.
        config: The whole configuration, resolved.
        experiment_name: What the run is grouped with.
        run_name: What it is called; None for the configuration's `name`.
        tracking_uri: Where numbers go; None for the data base described above.
        artifact_location: Where pictures go; None for the folder described above.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Mapping[str, Any],
        experiment_name: str = "lvm_experiments",
        run_name: str | None = None,
        tracking_uri: str | None = None,
        artifact_location: str | None = None,
    ) -> None:
        for module in ("mlflow", "sqlalchemy", "alembic"):
            require(module, extra="mlflow")
        root = Path((config.get("paths") or {}).get("root") or folder.path).absolute()
        root.mkdir(parents=True, exist_ok=True)  # sqlite makes files, not folders
        self._identity = folder.path / ".mlflow_id"
        super().__init__(
            experiment_name=experiment_name,
            run_name=run_name or config.get("name"),
            tracking_uri=tracking_uri or f"sqlite:///{root / 'mlflow.db'}",
            tags=dict.fromkeys(experiment_tags(config), "true"),
            artifact_location=artifact_location or (root / "mlruns").as_uri(),
            run_id=self._identity.read_text().strip() if self._identity.exists() else None,
        )
        self._config = dict(config)
        self._begun = False

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The client, with a run begun when it is first asked for."""
        if self._begun:
            return super().experiment
        self._begun = True
        client = super().experiment
        if not self._identity.exists():
            atomic_write(self._identity, f"{self.run_id}\n")
            self.log_hyperparams(self._config)
        else:
            client.update_run(self.run_id, status="RUNNING")
        return client

    @rank_zero_only
    def log_figure(self, name: str, path: Path) -> None:
        """Keeps a PNG file with the run."""
        self.experiment.log_artifact(self.run_id, str(path), "figures")

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        """Ends the run."""
        if self._begun:
            self.experiment.set_terminated(self.run_id, _STATES.get(exit_code, "FAILED"))
