from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import yaml

from lvm_experiments import loggers
from lvm_experiments.errors import RequestError
from lvm_experiments.loggers import WandbLogger, close_loggers, log_figures, log_results
from lvm_experiments.runs import RunFolder
from lvm_experiments.runs.account import has_wandb_key, wandb_mode

CONFIG = {
    "name": "bernoulli_vae_digits",
    "tags": ["a"],
    "extra_tags": ["b"],
    "model": {"latent_dim": 2, "prior": None, "rate": 1e-5},
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path)
    folder.create()
    folder.figures.mkdir()
    plt.imsave(folder.figures / "samples.png", [[0.0, 1.0], [1.0, 0.0]])
    return folder


def inspect(folder: RunFolder, *flags: str) -> list[dict[str, Any]]:
    """What W&B's own reader finds, a record for each piece of the run."""
    found = []
    for run in sorted((folder.path / "wandb").glob("offline-run-*")):
        program = str(Path(sys.executable).with_name("wandb"))
        command = [program, "leet", "inspect", *flags, "--json", str(run)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder.path).stdout
        found.append(json.loads(answer) if flags else {"text": answer})
    return found


def log(folder: RunFolder, exit_code: int, **arguments: Any) -> str | None:
    logger = WandbLogger(folder, CONFIG, **arguments)
    for step, value in enumerate((-5.0, -3.0, -4.0)):
        logger.log_metrics({"val/elbo": value, "val/nll": -value, "epoch": step}, step=step)
    log_results([logger], {"test/nll": 3.5}, step=3)
    log_figures([logger], {"samples": folder.figures / "samples.png"})
    identity = logger.version
    close_loggers([logger], exit_code)
    return identity


def test_the_record_of_a_run(folder: RunFolder) -> None:
    first = log(folder, 3, group="sweep", tags=["c"])
    (run,) = inspect(folder, "--summary")
    assert (run["state"], run["exit_code"]) == ("failed", 3)
    assert run["config"] == CONFIG | {"latent_dim": 2}
    assert (run["name"], run["project"]) == ("bernoulli_vae_digits", "lvm_experiments")
    assert run["tags"] == ["a", "b", "c"]
    summary = run["summary"]
    assert summary["val/elbo"]["max"] == -3
    assert summary["val/nll"]["min"] == 3
    assert summary["test/nll"] == 3.5
    assert summary["point/latent_dim"] == 2
    assert summary["trainer/global_step"] == 3
    assert summary["figures/samples"]["_type"] == "image-file"
    assert list((folder.path / "wandb").rglob("media/images/figures/samples*.png"))
    (text,) = inspect(folder)
    assert '"run_group":"sweep"' in text["text"].replace(" ", "")
    assert '"job_type":"train"' in text["text"].replace(" ", "")
    # W&B's own search and early stopping look for a number of this name in the history, row by row.
    history = [json.loads(line) for line in text["text"].splitlines() if '"history"' in line]
    values = [record["history"]["item"].get("val/elbo") for record in history if "history" in record]
    assert [value for value in values if value is not None] == [-5, -3, -4]

    # Resumed, it goes on under the same name.
    assert log(folder, 0, group="sweep") == first
    assert [run["run_id"] for run in inspect(folder, "--summary")] == [first, first]
    assert inspect(folder, "--summary")[-1]["state"] == "finished"


def test_nothing_is_begun_before_the_first_number(folder: RunFolder) -> None:
    close_loggers([WandbLogger(folder, CONFIG)], 0)
    assert not (folder.path / "wandb").exists()


def test_the_environment_is_left_alone(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    logger = WandbLogger(folder, CONFIG, offline=True)
    logger.log_metrics({"val/elbo": 1.0}, step=0)
    close_loggers([logger], 0)
    assert os.environ["WANDB_MODE"] == "online"
    assert len(inspect(folder, "--summary")) == 1


@pytest.mark.parametrize("path", sorted(Path(loggers.__file__).parent.glob("*.py")), ids=str)
def test_no_service_is_imported_before_it_is_asked_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in top if isinstance(n, ast.ImportFrom) and n.module}
    services = {"wandb", "mlflow", "tensorboard", "matplotlib"}
    assert not {name.partition(".")[0] for name in names} & services


@pytest.mark.parametrize(
    ("environment", "offline", "mode"),
    [
        ({}, None, "offline"),
        ({}, False, "online"),
        ({"WANDB_API_KEY": "x"}, None, "online"),
        ({"WANDB_API_KEY": "x"}, True, "offline"),
        ({"WANDB_API_KEY": "x", "WANDB_MODE": "offline"}, None, "offline"),
        ({"WANDB_API_KEY": "x", "WANDB_MODE": "disabled"}, None, "disabled"),
        ({"WANDB_MODE": "disabled"}, True, "disabled"),
    ],
)
def test_online_or_offline(
    environment: dict[str, str],
    offline: bool | None,  # noqa: FBT001 - a parameter of the test
    mode: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wandb_mode(offline=offline) == mode


def test_a_key_in_netrc_counts_for_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password x\n")
    assert has_wandb_key()
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:8777")
    assert not has_wandb_key()
    (tmp_path / ".netrc").write_text("nonsense")
    assert not has_wandb_key()


def test_checkpoints_cannot_be_uploaded_offline(folder: RunFolder) -> None:
    with pytest.raises(RequestError, match=r"logger\.wandb\.log_model: .*offline"):
        WandbLogger(folder, CONFIG, offline=True, log_model=True)


def test_the_configuration_is_that_of_config_yaml(folder: RunFolder) -> None:
    folder.write_config(CONFIG)
    log(folder, 0)
    (run,) = inspect(folder, "--summary")
    assert run["config"] == yaml.safe_load(folder.config.read_text()) | {"latent_dim": 2}
