from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.reports import shortened


def test_paths_start_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert shortened(here / "outputs" / "runs") == "outputs/runs"
    assert shortened("outputs/runs") == "outputs/runs"
    assert shortened(here) == "."
    assert shortened(home / "runs") == "~/runs"
    assert shortened(tmp_path / "elsewhere") == (tmp_path / "elsewhere").as_posix()
