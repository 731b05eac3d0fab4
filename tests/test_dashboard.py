"""Sweeps on W&B: a run for each job, the same images in all, a workspace and a report, offline and with a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml

from lvm_experiments.configuration import check, compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.dashboard import main
from lvm_experiments.job import run_folder
from lvm_experiments.loggers import WandbLogger, close_loggers, log_examples
from lvm_experiments.plots import ExamplePairs
from lvm_experiments.runs import RunFolder, read_json, set_state, write_json
from lvm_experiments.runs.provenance import provenance
from lvm_experiments.runs.status import now
from lvm_experiments.sync import main as sync
from tests.support.wandb_server import ENTITY, WandbServer

pytest.importorskip("wandb_workspaces")

ROOT = Path(__file__).parents[1]
TINY = (
    "trainer=cpu", "trainer.max_epochs=1", "data.limit=64", "model.encoder.hidden=[4]", "model.decoder.hidden=[4]",
    "callbacks.summary=null", "callbacks.progress=null", "evaluation.num_samples=2", "evaluation.chunk=2",
    "logger=wandb", "logger.wandb.offline=true", "extra_tags=[figure-3]",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of W&B keep logs where they are called."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WANDB_DATA_DIR", raising=False)


@pytest.fixture
def server() -> Iterator[WandbServer]:
    with WandbServer() as server:
        yield server


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A sweep of two likelihoods and two sizes, run by nobody."""
    return make_sweep(tmp_path / "outputs" / "sweeps" / "sizes")


def make_sweep(root: Path) -> Path:
    jobs = []
    for likelihood in ("bernoulli", "gaussian"):
        for size in (2, 8):
            point = {"model/likelihood": likelihood, "model.latent_dim": size, "seed": 0}
            folder = RunFolder(root / f"{likelihood}_{size}" / "seed-0")
            folder.create()
            target = f"lvm_experiments.likelihoods.{likelihood.capitalize()}Likelihood"
            config: dict[str, Any] = {"name": "vae", "seed": 0, "tags": ["paper"], "extra_tags": []}
            config["model"] = {"latent_dim": size, "likelihood": {"_target_": target}}
            config["logger"] = {"wandb": {"project": "sizes", "entity": None}}
            folder.write_config(config | {"sweep": {"name": root.name, "point": point}})
            jobs.append({"folder": f"{likelihood}_{size}/seed-0", "point": point})
    swept = ["model/likelihood", "model.latent_dim", "seed"]
    write_json(root / "sweep.json", {"name": root.name, "question": None, "swept": swept, "fixed": [], "jobs": jobs})
    return root


def folders(sweep: Path) -> list[RunFolder]:
    return [RunFolder(sweep / job["folder"]) for job in json.loads((sweep / "sweep.json").read_text())["jobs"]]


def record(folder: RunFolder, steps: range, *, ends: bool = True, offline: bool = True) -> None:
    """What a job tells W&B."""
    config = folder.read_config()
    logger = WandbLogger(folder, config, project="sizes", offline=offline)
    for step in steps:
        logger.log_metrics({"val/elbo": -50.0 + step, "epoch": step}, step=step)
    if ends:
        nll = 30.0 + config["model"]["latent_dim"]
        logger.log_metrics({"test/nll": nll, "test/rate": 5.0, "test/distortion": nll - 5}, step=steps.stop)
        pictures = np.zeros((2, 8, 8, 3), np.uint8)
        pairs = ExamplePairs(np.arange(2), pictures, pictures + 9, np.array([30.0, np.nan]))
        log_examples([logger], lambda: pairs)
    close_loggers([logger], 0 if ends else 143)


def inspect(folder: RunFolder) -> list[dict[str, Any]]:
    """What W&B's own reader finds in the pieces of a run: their summaries, with what identifies the run."""
    found = []
    for piece in sorted((folder.path / "wandb").glob("offline-run-*")):
        program = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect"]
        summary = json.loads(
            subprocess.run([*program, "--summary", "--json", piece], capture_output=True, check=True).stdout
        )
        whole = subprocess.run([*program, "--json", piece], capture_output=True, check=True, text=True).stdout
        found.append({**summary, "whole": whole.replace(" ", "")})
    return found


# ---- what a job tells


def test_every_job_is_a_run_of_its_own(sweep: Path) -> None:
    for folder in folders(sweep):
        record(folder, range(3))
    runs = [inspect(folder) for folder in folders(sweep)]
    assert [len(pieces) for pieces in runs] == [1, 1, 1, 1]
    assert len({pieces[0]["run_id"] for pieces in runs}) == 4
    for folder, (run,) in zip(folders(sweep), runs, strict=True):
        point = folder.read_config()["sweep"]["point"]
        config = {key: run["config"][key] for key in ("likelihood", "latent_dim", "seed")}
        assert list(config.values()) == list(point.values())
        assert run["config"]["model"] == folder.read_config()["model"]  # and the whole configuration besides
        assert run["name"] == f"{point['model/likelihood']} latent_dim={point['model.latent_dim']} seed=0"
        assert (run["state"], run["exit_code"], run["tags"], run["project"]) == ("finished", 0, ["paper"], "sizes")
        assert '"run_group":"sizes"' in run["whole"]
        assert '"job_type":"train"' in run["whole"]
        assert run["summary"]["test/nll"] == 30 + point["model.latent_dim"]
        assert run["summary"]["point/latent_dim"] == point["model.latent_dim"]
        assert run["summary"]["val/elbo"]["max"] == -48


def test_a_run_of_its_own_has_no_group(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    folder.write_config({"name": "alone", "model": {"latent_dim": 2}})
    record(folder, range(1))
    (run,) = inspect(folder)
    assert run["name"] == "alone"
    assert "run_group" not in run["whole"]


def test_tables_show_the_same_images_in_every_run(tmp_path: Path) -> None:
    tables: list[list[list[Any]]] = []
    pictures: list[set[bytes]] = []
    for likelihood in ("bernoulli", "gaussian"):
        folder = RunFolder(tmp_path / likelihood)
        folder.create()
        words = [*TINY, f"model/likelihood={likelihood}", "model.latent_dim=2"]
        folder.write_config(to_plain(compose(words), resolve=True))
        run_folder(folder)
        (path,) = (folder.path / "wandb").rglob("*.table.json")
        media = folder.path / "wandb" / "latest-run" / "files"
        table = json.loads(path.read_text())
        assert table["columns"] == ["index", "image", "reconstruction", "latent_dim", "likelihood", "nll"]
        assert {(row[3], row[4]) for row in table["data"]} == {(2, likelihood)}
        assert all(isinstance(row[5], float) for row in table["data"])
        tables.append(table["data"])
        assert inspect(folder)[0]["tags"] == ["figure-3"]
        assert media.exists()
        staged = (folder.path / "wandb" / "artifacts" / "staging").iterdir()
        shown = {content for path in staged if (content := path.read_bytes()).startswith(b"\x89PNG")}
        pictures.append(shown)
    first, second = tables
    assert len(first) > 4
    assert len(pictures[0] & pictures[1]) == len(first)  # the data; the reconstructions are each model's own
    assert len(pictures[0] | pictures[1]) > 2 * len(first)
    assert [row[0] for row in first] == [row[0] for row in second]
    assert [row[5] for row in first] != [row[5] for row in second]


# ---- the dashboard


def test_offline_it_writes_what_it_would_save(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep)]) == 0
    out = capsys.readouterr().out
    assert "wandb login" in out
    assert "lvm_experiments.sync" in out
    view = json.loads((sweep / "dashboard" / "workspace.json").read_text())
    assert (view["project"], view["displayName"]) == ("sizes", "sweep sizes")
    runset = view["spec"]["section"]["runSets"][0]
    assert runset["filters"]["filters"][0]["key"]["name"] == "group"
    assert runset["filters"]["filters"][0]["value"] == "sizes"
    sections = {one["name"]: one["panels"] for one in view["spec"]["section"]["panelBankConfig"]["sections"]}
    assert list(sections)[:4] == ["Comparison", "Training", "Images", "Runs"]
    main_panel, _, plane, parallel, *_ = (panel["config"] for panel in sections["Comparison"])
    assert (main_panel["xAxis"], main_panel["metrics"]) == ("point/latent_dim", ["test/nll"])
    assert (main_panel["groupBy"], main_panel["groupAgg"]) == ("likelihood.value", "mean")
    assert (plane["xAxis"], plane["yAxis"]) == ("summary:test/rate", "summary:test/distortion")
    axes = [column["accessor"] for column in parallel["columns"]]
    assert axes == ["config:likelihood.value", "config:latent_dim.value", "config:seed.value", "summary:test/nll"]
    kinds = {panel["viewType"] for panels in sections.values() for panel in panels}
    assert kinds >= {"Run Comparer", "Media Browser", "Weave", "Scatter Plot", "Parallel Coordinates Plot"}
    report = json.loads((sweep / "dashboard" / "report.json").read_text())
    grids = [block for block in report["spec"]["blocks"] if block["type"] == "panel-grid"]
    assert len(grids) == 4


def test_a_workspace_is_read_back(sweep: Path) -> None:
    from wandb_workspaces import workspaces as ws

    from lvm_experiments.reports.workspace import board, build_workspace

    about = board(sweep, metric="test/nll", higher_is_better=False, project="", entity="e")
    made = build_workspace(about)
    again = ws.Workspace._from_model(made._to_model())
    assert [section.name for section in again.sections][:4] == [section.name for section in made.sections]
    assert again.runset_settings.filters == made.runset_settings.filters


def test_a_sweep_without_numbers_has_bars(tmp_path: Path) -> None:
    from lvm_experiments.reports.workspace import board, build_workspace

    root = make_sweep(tmp_path / "s")
    content = json.loads((root / "sweep.json").read_text())
    jobs = [{**job, "point": {"model/likelihood": job["point"]["model/likelihood"]}} for job in content["jobs"]]
    write_json(root / "sweep.json", content | {"swept": ["model/likelihood"], "jobs": jobs})
    about = board(root, metric="test/nll", higher_is_better=False, project="", entity="e")
    assert (about.across, about.colour) == (None, "likelihood")
    assert type(build_workspace(about).sections[0].panels[0]).__name__ == "BarPlot"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "is not the folder of a sweep"),
        ([], "folder: a value is missing"),
        (["nowhere", "metric=test/nil"], "there is no metric"),
        (["nowhere", "colour=red"], "no such key"),
    ],
)
def test_wrong_requests(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert message in capsys.readouterr().err


# ---- against a server


def with_server(server: WandbServer, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **server.environment, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run([str(c) for c in command], env=environment, capture_output=True, text=True, timeout=120)


def test_an_online_run_and_the_dashboard_arrive(server: WandbServer, sweep: Path) -> None:
    job = "from tests.test_dashboard import *\nimport sys\nrecord(RunFolder(sys.argv[1]), range(3), offline=None)"
    done = with_server(server, sys.executable, "-c", job, folders(sweep)[0].path)
    assert done.returncode == 0, done.stderr
    (run,) = server.runs.values()
    assert (run.group, run.job_type, run.tags, run.exit_code) == ("sizes", "train", ["paper"], 0)
    assert run.display_name == "bernoulli latent_dim=2 seed=0"
    assert (run.config["likelihood"], run.config["latent_dim"], run.config["seed"]) == ("bernoulli", 2, 0)
    assert run.config["sweep"]["name"] == "sizes"
    assert [row["val/elbo"] for row in run.history if "val/elbo" in row] == [-50, -49, -48]
    assert (run.summary["test/nll"], run.summary["examples"]["_type"]) == (32, "table-file")
    (table,) = (content for name, content in run.files.items() if name.endswith(".table.json"))
    assert json.loads(table)["data"][1][5] is None
    assert [artifact["state"] for artifact in server.artifacts] == ["COMMITTED"]

    done = with_server(server, sys.executable, "-m", "lvm_experiments.dashboard", sweep)
    assert done.returncode == 0, done.stderr
    assert [view["type"] for view in server.views] == ["project-view", "runs"]
    assert {(view["entityName"], view["projectName"]) for view in server.views} == {(ENTITY, "sizes")}
    assert server.views[0]["displayName"] == "sweep sizes"
    assert done.stdout.count(server.url) == 2
    assert server.unknown == []


def test_offline_runs_are_sent_by_one_command(server: WandbServer, sweep: Path) -> None:
    alone, resumed, killed, _ = folders(sweep)
    record(alone, range(3))
    record(resumed, range(2), ends=False)
    time.sleep(1.1)  # pieces are told apart, and put in order, by the second they begin in
    record(resumed, range(2, 4))
    record(killed, range(40))
    wandb.teardown()  # its own process may still write
    (file,) = (killed.path / "wandb").glob("offline-run-*/*.wandb")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])  # as SIGKILL leaves it

    going = folders(sweep)[3]
    record(going, range(2))
    set_state(going, "running")
    write_json(going.status, {**read_json(going.status), **provenance(), "heartbeat": now()})

    command = (sys.executable, "-m", "lvm_experiments.sync", sweep)
    done = with_server(server, *command)
    assert done.returncode == 0, done.stderr
    assert "4 pieces of 3 runs sent, 1 run is still going on" in done.stdout
    runs = {run.display_name: run for run in server.runs.values()}
    assert sorted(runs) == [
        f"{name} latent_dim={size} seed=0" for name, size in (("bernoulli", 2), ("bernoulli", 8), ("gaussian", 2))
    ]
    assert {run.group for run in runs.values()} == {"sizes"}
    whole = runs["bernoulli latent_dim=8 seed=0"]
    # Both pieces, the first not overwritten by the second.
    assert [row["epoch"] for row in whole.history if "epoch" in row] == [0, 1, 2, 3]
    assert whole.summary["test/nll"] == 38
    assert len(runs["gaussian latent_dim=2 seed=0"].history) > 5
    assert len(server.artifacts) == 2  # tables with their pictures
    assert any(content.startswith(b"\x89PNG") for content in server.uploads.values())
    assert server.unknown == []

    before = {name: len(run.history) for name, run in runs.items()}
    done = with_server(server, *command)
    assert (done.returncode, "nothing to send" in done.stdout) == (0, True)
    assert {run.display_name: len(run.history) for run in server.runs.values()} == before  # nothing is sent twice


def test_what_a_server_does_not_take_is_sent_the_next_time(server: WandbServer, sweep: Path) -> None:
    class Refusing(WandbServer):
        def _on_upsert_bucket(self, variables: dict[str, Any]) -> dict[str, Any] | None:
            return None

    record(folders(sweep)[0], range(3))
    command = (sys.executable, "-m", "lvm_experiments.sync", sweep)
    with Refusing() as refusing:
        done = with_server(refusing, *command)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"{sweep}: 1 of 1 pieces were not sent")
    done = with_server(server, *command)
    assert (done.returncode, len(server.runs)) == (0, 1), done.stderr


def test_a_server_that_refuses_is_one_line(sweep: Path) -> None:
    class Refusing(WandbServer):
        def _on_upsert_view2(self, variables: dict[str, Any]) -> dict[str, Any] | None:
            return None

    with Refusing() as server:
        done = with_server(server, sys.executable, "-m", "lvm_experiments.dashboard", sweep)
    assert done.returncode == 1
    assert f"{ENTITY}/sizes: W&B did not take it" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_sent(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync([]) == 2
    assert sync([str(tmp_path / "nowhere")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert sync([str(sweep)]) == 0
    assert "nothing to send" in capsys.readouterr().out
    record(folders(sweep)[0], range(1))
    assert sync([str(sweep)]) == 2  # no key here
    assert "wandb login" in capsys.readouterr().err


# ---- W&B's own sweeps


def test_the_file_of_a_wandb_sweep_drives_the_program() -> None:
    """Its command, expanded by the agent's own function and again by hand, composes."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    sweep = yaml.safe_load((ROOT / "scripts" / "wandb_sweep.yaml").read_text())
    values = {
        name: node["values"] if "values" in node else [node["min"], node["max"]]
        for name, node in sweep["parameters"].items()
    }
    for take in (0, -1):
        chosen = {name: column[take] for name, column in values.items()}
        args = create_sweep_command_args({"args": {name: {"value": value} for name, value in chosen.items()}})
        by_hand = [f"{name}={value}" for name, value in chosen.items()]
        assert args["args_no_hyphens"] == by_hand
        template = create_sweep_command(sweep["command"])
        place = template.index("${args_no_hyphens}")
        assert template[:place][-4:] == [*template[:place][-4:-3], "-m", "lvm_experiments", "logger=wandb"]
        words = [*template[template.index("lvm_experiments") + 1 : place], *by_hand]
        config = compose(words)
        check(config)
        assert config.model.latent_dim == chosen["model.latent_dim"]
        assert "wandb" in config.logger
    spaces = {str(compose([f"model/likelihood={name}"]).observation) for name in values["model/likelihood"]}
    assert len(spaces) == 1  # or its numbers could not be ranked
    assert sweep["metric"]["goal"] == "maximize"


def test_an_agent_names_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.create()
    monkeypatch.setenv("WANDB_RUN_ID", "given")
    assert WandbLogger(folder, {"name": "a"}, offline=True).version != "given"
    (tmp_path / ".wandb_id").unlink()
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    assert WandbLogger(folder, {"name": "a"}, offline=True).version == "given"
