from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest

pytest.importorskip("mlflow")
pytest.importorskip("alembic")

from mlflow.tracking import MlflowClient

from lvm_experiments.loggers import MlflowLogger, build_loggers, close_loggers, log_figures
from lvm_experiments.runs import RunFolder


def test_a_local_record_that_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    root = tmp_path / "outputs"
    folder = RunFolder(root / "runs" / "a")
    folder.create()
    plt.imsave(folder.path / "a.png", [[0.0, 1.0], [1.0, 0.0]])
    config = {
        "name": "a run",
        "tags": ["word"],
        "model": {"latent_dim": 2},
        "paths": {"root": str(root)},
    }
    for attempt, exit_code in enumerate((143, 1, 0)):
        loggers = build_loggers({"mlflow": MlflowLogger}, folder, config)
        for logger in loggers:
            logger.log_metrics({"val/elbo": -3.5 + attempt}, step=attempt)
        log_figures(loggers, {"samples": folder.path / "a.png"})
        close_loggers(loggers, exit_code)
        client = MlflowClient(f"sqlite:///{root}/mlflow.db")
        experiment = client.get_experiment_by_name("lvm_experiments")
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.status == ("KILLED", "FAILED", "FINISHED")[attempt]
    assert run.data.params["model/latent_dim"] == "2"
    assert run.data.tags["word"] == "true"
    assert run.data.tags["mlflow.runName"] == "a run"
    history = client.get_metric_history(run.info.run_id, "val/elbo")
    assert [(m.step, m.value) for m in history] == [(0, -3.5), (1, -2.5), (2, -1.5)]
    assert list((root / "mlruns").rglob("figures/a.png"))
    assert not list((tmp_path / "cwd").iterdir())
