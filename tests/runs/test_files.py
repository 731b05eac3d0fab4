from __future__ import annotations

import os
from pathlib import Path

import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.runs.files import atomic_write, read_json, remove_leftovers, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic_write(path, "old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_leftovers_of_killed_writers_go_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / ".results.json.123.tmp").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "notes.tmp").touch()
    remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "notes.tmp"]


def test_json_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 0.1, "a": [1, None]})
    write_json(tmp_path / "b", {"a": [1, None], "b": 0.1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_json(tmp_path / "a") == {"a": [1, None], "b": 0.1}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a", {"a": float("nan")})


@pytest.mark.parametrize(("content", "what"), [("{", "cannot be read"), ("[]", "holds a list"), (None, "no such file")])
def test_what_is_no_json_object_is_one_line(content: str | None, what: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RequestError, match=what) as raised:
        read_json(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
