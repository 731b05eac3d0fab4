from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lvm_experiments.configuration.composition import compose
from lvm_experiments.configuration.keys import to_plain
from lvm_experiments.errors import Interrupted, RequestError, RunError
from lvm_experiments.job import command, guarded, main, starts_processes
from lvm_experiments.runs.folder import RunFolder

PROCESSES = [
    ({}, {"accelerator": "cpu"}, False),
    ({"devices": 1, "strategy": "ddp"}, {}, False),
    ({"devices": "1"}, {}, False),
    ({"devices": [3]}, {}, False),
    ({"devices": [0, 1]}, {}, True),
    ({"devices": 2}, {}, True),
    ({"devices": "2", "strategy": "ddp"}, {}, True),
    ({"devices": 2, "strategy": "ddp_spawn"}, {}, False),
    ({"devices": 2, "strategy": "ddp_fork_find_unused_parameters_false"}, {}, False),
    ({"devices": 2, "strategy": {"start_method": "popen"}}, {}, True),
    ({"devices": 2, "strategy": {"start_method": "fork"}}, {}, False),
    ({"devices": 1, "num_nodes": 2, "strategy": "ddp"}, {}, True),
    ({"devices": "auto", "accelerator": "cpu"}, {}, False),
    ({"devices": -1, "accelerator": "mps"}, {}, False),
]


@pytest.mark.parametrize(("trainer", "also", "expected"), PROCESSES, ids=str)
def test_who_starts_processes(
    trainer: dict[str, Any],
    also: dict[str, Any],
    expected: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert starts_processes({**trainer, **also}) is expected
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert not starts_processes({**trainer, **also})


def leave(code: object) -> None:
    sys.exit(code)  # type: ignore[arg-type]


def stop(error: BaseException) -> None:
    raise error


def lightning_stops() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        sys.exit(1)


@pytest.mark.parametrize(
    ("action", "code", "line"),
    [
        (lambda: None, 0, ""),
        (lambda: 3, 3, ""),
        (lambda: stop(RequestError("no", where="a.b", hint="do")), 2, "a.b: no; do\n"),
        (lambda: stop(RunError("lost")), 1, "lost\n"),
        (lambda: stop(Interrupted(15)), 143, "interrupted by signal 15\n"),
        (lambda: stop(KeyboardInterrupt()), 130, "interrupted\n"),
        (lightning_stops, 130, "interrupted\n"),
        (lambda: leave(4), 4, ""),
        (lambda: leave(None), 0, ""),
        (lambda: stop(ValueError("first\nsecond")), 1, "ValueError: first\n"),
    ],
)
def test_exit_codes(action: Any, code: int, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(action) == code
    assert capsys.readouterr().err == line


def test_only_the_first_process_speaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert guarded(lambda: stop(RequestError("no"))) == 2
    assert capsys.readouterr().err == ""


def test_a_traceback_that_nobody_wrote_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    assert guarded(lambda: stop(ValueError("lost")), folder) == 1
    assert capsys.readouterr().err == f"ValueError: lost; the traceback is in {folder.traceback}\n"
    assert folder.traceback.read_text().endswith("ValueError: lost\n")


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--allow", "x"], ["--foo"], ["run", "--allow"]], ids=str)
def test_wants_one_folder(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("one run folder is needed; ")


def write(folder: RunFolder, **changes: Any) -> None:
    folder.create()
    folder.write_config(to_plain(compose([]), resolve=True) | changes)


def test_a_strangers_folder_names_nothing_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentinel, folder = tmp_path / "executed", RunFolder(tmp_path / "run")
    (tmp_path / "strange.py").write_text(f"open({str(sentinel)!r}, 'w')")
    sys.path.insert(0, str(tmp_path))
    try:
        write(folder, allow_targets=["strange"], data={"_target_": "strange.Data"})
        assert main([str(folder.path)]) == 2
        assert capsys.readouterr().err.startswith("allow_targets: the folder asks for classes of strange; ")
        write(folder, data={"_target_": "strange.Data"})
        assert main([str(folder.path)]) == 2
        assert capsys.readouterr().err.startswith("data: 'strange.Data' may not be named")
        write(folder, data={"_target_": "lvm_experiments.data.Digits", "path": "${oc.env:HOME}"})
        assert main([str(folder.path)]) == 2
        assert "${oc.env:HOME}" in capsys.readouterr().err
    finally:
        sys.path.remove(str(tmp_path))
    assert not sentinel.exists()


def test_python_objects_in_a_configuration_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").write_text(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/executed']")
    assert main([str(tmp_path)]) == 2
    assert "config.yaml: cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "executed").exists()


def test_several_processes_are_one_run(tmp_path: Path) -> None:
    """The program replaces itself by a job, which Lightning starts once more for the second process."""
    words = (
        "trainer=cpu", "trainer.devices=2", "trainer.strategy=ddp", "trainer.max_epochs=1", "data.limit=64",
        "model.latent_dim=2",
        "callbacks.progress=null", "evaluation.num_samples=4", "evaluation.max_examples=16",
    )  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    program = [sys.executable, "-m", "lvm_experiments", *words]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    (config,) = (path for path in tmp_path.rglob("config.yaml") if path.parent.name != ".hydra")
    assert yaml.safe_load(config.read_text())["trainer"]["devices"] == 2
    assert (config.parent / "results.json").is_file()
    assert command(RunFolder(config.parent))[1:] == ["-m", "lvm_experiments.job", str(config.parent)]
