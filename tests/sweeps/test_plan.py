"""What a command asks for, and what a folder makes of it; no job is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lvm_experiments.app import main
from lvm_experiments.configuration import ConfigTree, compose_job
from lvm_experiments.errors import RequestError
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.status import set_state
from lvm_experiments.sweeps.axes import first_words
from lvm_experiments.sweeps.folder import SweepFolder, Task
from lvm_experiments.sweeps.plan import Plan, make_plan

TREE = ConfigTree.default()
NAMED = sorted({path.stem for path in (TREE.folders[0] / "sweep").glob("*.yaml")} - {"none"})


def plan(*words: str) -> Plan:
    return make_plan(words, compose_job(first_words(words, TREE), tree=TREE), TREE)


def add(*words: str) -> list[Task]:
    made = plan(*words)
    return SweepFolder(made.folder).add(made)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_job_is_written_before_any_runs() -> None:
    tasks = add("model/likelihood=bernoulli,gaussian", "seed=0,1", "sweep.name=s", "trainer.max_epochs=3")
    record = json.loads(Path("outputs/sweeps/s/sweep.json").read_text())
    assert record["swept"] == ["model/likelihood", "seed"]
    assert record["fixed"] == ["sweep.name=s", "trainer.max_epochs=3"]
    assert [job["folder"] for job in record["jobs"]] == [task.name for task in tasks]
    assert record["jobs"][1] == {"folder": "bernoulli/seed-1", "point": {"model/likelihood": "bernoulli", "seed": 1}}
    for task in tasks:
        config = yaml.safe_load(task.folder.config.read_text())
        assert config["sweep"]["name"] == "s"
        assert config["sweep"]["point"] == task.point
        assert config["seed"] == task.point["seed"]
        assert json.loads(task.folder.status.read_text())["state"] == "queued"


def test_points_are_added() -> None:
    add("seed=0,1", "sweep.name=s")
    before = Path("outputs/sweeps/s/seed-0/config.yaml").stat().st_mtime_ns
    add("seed=1,2", "sweep.name=s")
    add("seed=3", "sweep.name=s")  # a single value is a point as well
    record = json.loads(Path("outputs/sweeps/s/sweep.json").read_text())
    assert [job["folder"] for job in record["jobs"]] == ["seed-0", "seed-1", "seed-2", "seed-3"]
    assert yaml.safe_load(Path("outputs/sweeps/s/seed-3/config.yaml").read_text())["sweep"]["point"] == {"seed": 3}
    assert Path("outputs/sweeps/s/seed-0/config.yaml").stat().st_mtime_ns == before


def test_another_job_under_the_name_of_one_is_refused_and_shown() -> None:
    add("seed=0,1", "sweep.name=s")
    with pytest.raises(RequestError, match=r"trainer\.max_epochs is 100 there and 3 now"):
        add("seed=0,1,2", "sweep.name=s", "trainer.max_epochs=3")
    assert not Path("outputs/sweeps/s/seed-2").exists()
    with pytest.raises(RequestError, match=r"sweeps seed, and model\.latent_dim was asked for"):
        add("model.latent_dim=2,3", "sweep.name=s")


def test_a_job_that_cannot_be_composed_is_refused_alone() -> None:
    tasks = add("model.latent_dim=-1,2", "model/likelihood=bernoulli,bernouli", "sweep.name=s")
    assert [task.config is not None for task in tasks] == [False, False, True, False]
    status = json.loads(tasks[1].folder.status.read_text())
    assert status["state"] == "refused"
    assert "did you mean bernoulli?" in status["reason"]


def test_where_nothing_can_be_composed_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-m", "seed=0,1", "model.latnt_dim=2"]) == 2
    assert "did you mean model.latent_dim?" in capsys.readouterr().err
    assert not Path("outputs").exists()


def test_a_finished_job_keeps_its_status() -> None:
    (task,) = add("seed=0", "sweep.name=s")
    set_state(task.folder, "completed")
    add("seed=0", "sweep.name=s")
    assert json.loads(task.folder.status.read_text())["state"] == "completed"


@pytest.mark.parametrize("name", ["../s", ".s", "a/b"])
def test_a_sweep_stays_below_its_root(name: str) -> None:
    with pytest.raises(RequestError, match="not the name of a folder"):
        plan("seed=0,1", f"sweep.name='{name}'")


def test_the_same_command_finds_its_folder() -> None:
    words = ("model.latent_dim=2,8", "seed=0,1", "trainer.max_epochs=3")
    assert plan(*words).folder == plan(*words, "sweep.timeout=9", "logger=csv").folder
    assert plan(*words).folder != plan(*words[:2], "trainer.max_epochs=4").folder


@pytest.mark.parametrize("name", NAMED)
def test_named_sweeps(name: str) -> None:
    made = plan(f"sweep={name}", "trainer=cpu")
    assert made.name.startswith(name)
    assert made.settings.question
    assert all(job.config is not None for job in made.jobs)
    assert {"likelihood_by_latent_dim": 36, "beta_rate_distortion": 15, "seeds": 5}.get(name, 3) <= len(made.jobs)
    assert compose_job([f"sweep={name}"], tree=TREE).multirun


def test_dry_run_imports_no_torch_and_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['pytorch_lightning'] = None\n"
        "from lvm_experiments.app import main\n"
        "sys.exit(main(['sweep=likelihood_by_latent_dim', 'sweep.dry_run=true', 'model.latent_dim=2,-1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "COLUMNS": "160"}
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "Which likelihood explains the data best" in done.stdout
    assert "24 jobs, 12 refused; nothing was run" in done.stdout
    assert "Whether the parts of a job fit each other is tried when the sweep starts" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.launcher.job=2"], "hydra.launcher.job: no such key; did you mean hydra.launcher.jobs?"),
        (["hydra.launcher.jobs=two"], "hydra.launcher.jobs: expected an integer"),
        (["hydra/launcher=slrum"], "hydra/launcher: no option 'slrum'; did you mean slurm?"),
        (["sweep.tiemout=2"], "sweep.tiemout: no such key; did you mean sweep.timeout?"),
        (
            ["hydra/launcher=slurm"],
            "hydra/launcher=slurm: submitit is not installed; pip install 'lvm_experiments[slurm]'",
        ),
        (["hydra/launcher=ray"], "hydra/launcher=ray: ray is not installed; pip install 'lvm_experiments[ray]'"),
    ],
)
def test_wrong_words_about_the_engine(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for module in ("slurm", "ray"):
        monkeypatch.setattr(f"lvm_experiments.sweeps.{module}.find_spec", lambda name: None)
    assert main(["-m", "seed=0,1", *words]) == 2
    assert capsys.readouterr().err.startswith(message)


def test_several_values_without_the_flag_are_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seed=0,1"]) == 2
    assert "add -m" in capsys.readouterr().err


def test_run_folders_hold_what_a_single_run_would() -> None:
    (task,) = add("seed=3", "sweep.name=s")
    single = compose_job(["seed=3"], tree=TREE).config
    stored = RunFolder(task.folder.path).read_config()
    assert {key: stored[key] for key in stored if key != "sweep"} == {k: v for k, v in single.items() if k != "sweep"}
