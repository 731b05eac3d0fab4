from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lvm_experiments.convert import convert, main
from lvm_experiments.data import BinarizedMnist, FreyFaces
from lvm_experiments.errors import RequestError

PARTS = ("train", "valid", "test")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "originals"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part in PARTS:
        rows = random.integers(0, 2, (4, 784)).tolist()
        text = "\n".join(" ".join(map(str, row)) for row in rows)
        (folder / f"binarized_mnist_{part}.amat").write_text(text)
    return folder


def test_the_command_makes_what_the_data_set_reads(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "data"
    before = sorted(source.iterdir())
    with pytest.raises(RequestError) as caught:
        BinarizedMnist(path=str(dest)).load()
    command = str(caught.value).partition("run: python ")[2].split()
    command[command.index("FOLDER_WITH_THEM")] = str(source)
    done = subprocess.run([sys.executable, *command, "--unchecked"], capture_output=True, text=True, check=True)
    file = dest / "binarized_mnist" / "binarized_mnist.npz"
    assert done.stdout.splitlines()[0] == f"wrote {file}"
    assert "checked: the content is not the known one" in done.stdout
    assert sorted(source.iterdir()) == before
    assert list(file.parent.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o644
    assert len(BinarizedMnist(path=str(dest)).load().train) == 4


def test_again_changes_nothing_and_other_files_are_not_replaced(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "data"
    convert("binarized_mnist", source, dest, unchecked=True)
    file = dest / "binarized_mnist" / "binarized_mnist.npz"
    first = file.stat().st_mtime_ns
    lines = convert("binarized_mnist", source, dest, unchecked=True)
    assert lines[0] == f"{file} is there already"
    assert file.stat().st_mtime_ns == first
    file.write_bytes(b"mine")
    with pytest.raises(RequestError, match="has other content"):
        convert("binarized_mnist", source, dest, unchecked=True)
    assert file.read_bytes() == b"mine"


def test_a_failed_write_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "it")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RequestError, match="No space left on device"):
        convert("binarized_mnist", source, tmp_path / "data", unchecked=True)
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["binarised_mnist", "originals"], "did you mean binarized_mnist?"),
        (["zebra", "originals"], "there are binarized_mnist"),
        (["binarized_mnist", "elsewhere"], "there is no"),
        (["binarized_mnist", "originals"], "--unchecked"),
        (["frey_faces", "originals"], "cannot be read"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, where = arguments
    assert main([name, str(tmp_path / where), str(tmp_path / "data")]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (tmp_path / "data").exists()


def test_every_set_that_names_the_command_has_a_converter() -> None:
    from lvm_experiments.data.converters import CONVERTERS

    assert {BinarizedMnist.name, FreyFaces.name} < set(CONVERTERS)
    assert set(CONVERTERS) == {
        "binarized_mnist",
        "caltech101_silhouettes",
        "frey_faces",
        "omniglot28",
    }
