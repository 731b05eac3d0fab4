"""The program as a whole, in this process: what it runs, what it leaves behind, with which exit code."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from lvm_experiments import __version__
from lvm_experiments.app import main
from lvm_experiments.configuration import ConfigTree

SMALL = (
    "data=moody", "trainer=cpu", "trainer.max_epochs=1", "model.latent_dim=2", "model.encoder.hidden=[4]",
    "model.decoder.hidden=[4]", "callbacks.progress=null", "callbacks.summary=null",
    "evaluation.num_samples=4", "evaluation.chunk=4", "evaluation.max_examples=16", "allow_targets=[moody_data]",
)  # fmt: skip

MODULE = """
    from lvm_experiments.data import Digits

    class Moody(Digits):
        def __init__(self, *, mood: str = "good", limit: int | None = None) -> None:
            super().__init__(batch_size=32, validation=32, test=32, limit=limit)
            self.mood = mood

        def load(self):
            match self.mood:
                case "bad":
                    raise ZeroDivisionError("one line\\nand another")
                case "gone":
                    raise KeyboardInterrupt
            return super().load()
"""


@pytest.fixture
def more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of a small run with data that fail when asked to; outputs go to a folder of the test's."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "moody_data.py").write_text(dedent(MODULE))
    (tmp_path / "more" / "data").mkdir(parents=True)
    (tmp_path / "more" / "data" / "moody.yaml").write_text("{_target_: moody_data.Moody, mood: good, limit: 64}")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    monkeypatch.delitem(sys.modules, "moody_data", raising=False)
    monkeypatch.chdir(tmp_path)
    return [*SMALL, "-cd", str(tmp_path / "more")]


def runs(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.rglob("config.yaml") if path.parent.name != ".hydra")


def state(folder: Path) -> str:
    return json.loads((folder / "status.json").read_text())["state"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lvm_experiments {__version__}\n"


def test_help_wins_over_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model=nonsense", "--help"]) == 0
    assert "bernoulli_vae" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["job", "hydra", "all"])
def test_cfg(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cfg", kind, "seed=5", "model=gaussian_vae"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert ("hydra" in shown) == (kind != "job")
    assert kind == "hydra" or (shown["seed"], shown["model"]["_target_"]) == (5, "lvm_experiments.models.VAE")


def test_cfg_of_a_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cfg", "job", "--resolve", "-p", "optimizer", "optimizer=sgd"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["_target_"] == "torch.optim.SGD"


@pytest.mark.parametrize(
    ("package", "answer"),
    [
        ("model.latnt_dim", "model.latnt_dim: no such key; did you mean model.latent_dim?\n"),
        ("scheduler", "scheduler: it is null: there is nothing to show\n"),
    ],
)
def test_cfg_of_no_package(package: str, answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cfg", "job", "-p", package]) == 2
    assert capsys.readouterr().err == answer


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--info", "defaults-tree", "model=gaussian_vae"]) == 0
    assert "model: gaussian_vae" in capsys.readouterr().out


def test_leaves_the_arguments_of_the_process_alone() -> None:
    before = list(sys.argv)
    main(["--cfg", "job"])
    assert sys.argv == before


def test_a_run(more: list[str], tmp_path: Path) -> None:
    assert main([*more, "paths.root='out here'", "name=a"]) == 0
    (folder,) = runs(tmp_path / "out here")
    assert folder.parent == tmp_path / "out here" / "runs" / "a"
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert "${" not in (folder / "config.yaml").read_text()
    assert (config["name"], config["data"]["mood"], config["resume"]) == ("a", "good", None)
    assert "hydra" not in config
    assert state(folder) == "completed"
    assert (folder / ".hydra" / "overrides.yaml").is_file()
    assert (folder / "results.json").is_file()


def test_a_second_run_does_not_take_the_folder_of_the_first(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "status.json").write_text("{}")
    assert main([*more, "hydra.run.dir=here"]) == 2
    line = capsys.readouterr().err
    assert line == f"{tmp_path}/here: there is a run in this folder already; resume={tmp_path}/here goes on with it\n"


def test_a_failure_is_one_line_and_a_traceback_in_the_folder(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*more, "data.mood=bad"]) == 1
    (folder,) = runs(tmp_path / "outputs")
    line = capsys.readouterr().err
    assert line == f"ZeroDivisionError: one line; the traceback is in {folder}/traceback.txt\n"
    assert "in load" in (folder / "traceback.txt").read_text()
    assert state(folder) == "failed"


def test_a_refusal_within_the_run_keeps_its_exit_code(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Known to be wrong only when the model is built.
    assert main([*more, "monitor=val/nothing"]) == 2
    assert capsys.readouterr().err.startswith("monitor: ")
    assert [state(folder) for folder in runs(tmp_path / "outputs")] == ["refused"]


def test_an_interruption_has_its_exit_code(more: list[str], tmp_path: Path) -> None:
    assert main([*more, "data.mood=gone"]) == 130
    assert [state(folder) for folder in runs(tmp_path / "outputs")] == ["interrupted"]


def test_a_failing_job_does_not_stop_the_others(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*more, "data.mood=bad,good", "-m"]) == 1
    assert [state(folder) for folder in runs(tmp_path / "outputs")] == ["failed", "completed"]
    said = capsys.readouterr()
    assert "bad  failed after " in said.out
    assert "ZeroDivisionError: one line" in said.out
    assert "Traceback (most recent call last)" not in said.out + said.err


def test_what_is_wrong_in_every_job_of_a_sweep_starts_none(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-m", *more, "seed=0,1", "model.latent_dim=-2,-1"]) == 2
    assert capsys.readouterr().err == "model.latent_dim: -2 is not greater than 0\n"
    assert not (tmp_path / "outputs").exists()


def test_goes_on_with_a_run(more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(more) == 0
    (folder,) = runs(tmp_path / "outputs")
    allow = "allow_targets=[moody_data]"
    capsys.readouterr()
    for words, expected in {
        ("seed=3", allow): "seed: is 0 in the run to resume, and 3 was asked for; ",
        ("model=gaussian_vae", allow): "model=gaussian_vae: a resumed run keeps its model; ",
        ("trainer.max_epoch=3", allow): "trainer.max_epoch: no such key; did you mean trainer.max_epochs?",
        ("trainer.max_epochs=two", allow): "trainer.max_epochs: expected an integer, got 'two'",
        (): "allow_targets: the folder asks for classes of moody_data; ",
    }.items():
        assert main([f"resume={folder}", *words]) == 2
        line = capsys.readouterr().err
        assert line.startswith(expected)
        assert line.count("\n") == 1
    assert main([f"resume={folder}", "trainer.max_epochs=2", allow]) == 0
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["trainer"]["max_epochs"] == 2
    assert json.loads((folder / "status.json").read_text())["attempt"] == 2
    assert runs(tmp_path / "outputs") == [folder]


def test_under_a_launcher_a_folder_is_asked_for(
    more: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert main(more) == 2
    assert "hydra.run.dir=DIR" in capsys.readouterr().err


def test_the_installed_program_is_this_one() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="lvm_experiments")
    assert script.load() is main


def test_every_group_of_the_package_is_in_the_primary_file() -> None:
    """A group that no defaults list names cannot be chosen without a plus."""
    tree = ConfigTree.default()
    primary = yaml.safe_load((tree.folders[0] / "config.yaml").read_text())
    named = {key.removeprefix("optional ") for entry in primary["defaults"] if isinstance(entry, dict) for key in entry}
    assert {group for group in tree.groups if "/" not in group} - {"hydra"} <= named
