"""Places are written out where a run will be gone on with from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.configuration.places import with_absolute_paths


def test_relative_places_are_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = {"ckpt_path": "a.ckpt", "data": {"path": "x.npz"}, "paths": {"data_dir": "d", "root": "outputs"}}
    found = with_absolute_paths(config)
    here = str(tmp_path.resolve())
    assert found["ckpt_path"] == f"{here}/a.ckpt"
    assert found["data"]["path"] == f"{here}/x.npz"
    assert found["paths"] == {"data_dir": f"{here}/d", "root": "outputs"}
    assert config["data"]["path"] == "x.npz"  # the given one is left alone


def test_what_is_not_there_stays_so() -> None:
    config = {"ckpt_path": None, "data": {"batch_size": 1}, "paths": {"data_dir": None}}
    assert with_absolute_paths(config) == config
