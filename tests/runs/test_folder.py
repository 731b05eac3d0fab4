from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.runs import RunFolder


def test_every_name_is_within_the_folder_and_its_own(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    names = [n for n, value in vars(RunFolder).items() if isinstance(value, property)]
    paths = [getattr(folder, name) for name in names]
    assert len(set(paths)) == len(names) >= 12
    assert all(path.is_relative_to(tmp_path) for path in paths)


def test_it_does_not_depend_on_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder("outputs/run")
    monkeypatch.chdir("/")
    folder.create()
    assert (tmp_path / "outputs" / "run" / "checkpoints").is_dir()
    assert os.listdir(folder) == ["checkpoints"]


def test_configuration_is_kept_exactly(tmp_path: Path) -> None:
    config = {
        "name": "σ², x: 'y'",
        "rate": 1e-5,
        "big": 1e300,
        "inf": float("inf"),
        "none": None,
        "yes": True,
        "word": "yes",
        "list": [1, 2.0, "3"],
        "z": {"a": {}},
    }
    folder = RunFolder(tmp_path)
    folder.write_config(config)
    again = folder.read_config()
    assert again == config
    assert list(again) == list(config)
    assert [type(v) for v in again.values()] == [type(v) for v in config.values()]


def test_a_configuration_cannot_name_code(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.config.write_text(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/run']\n")
    with pytest.raises(RequestError, match=r"config\.yaml: cannot be read"):
        folder.read_config()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [None, "- 1\n", "a: [\n"])
def test_what_is_no_run_is_one_line(content: str | None, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    if content is not None:
        folder.config.write_text(content)
    with pytest.raises(RequestError) as raised:
        folder.read_config()
    assert str(tmp_path) in str(raised.value)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"paths\.root: cannot write to .*paths\.root=DIR"):
        RunFolder(tmp_path / "file" / "run").create()
