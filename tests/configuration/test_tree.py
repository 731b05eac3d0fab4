from __future__ import annotations

from pathlib import Path

import pytest

from lvm_experiments.configuration import ConfigTree, conf_dir
from lvm_experiments.errors import RequestError


def test_every_yaml_file_is_an_option_of_its_folder() -> None:
    tree = ConfigTree.default()
    files = {path for path in conf_dir().rglob("*.yaml") if path.parent != conf_dir()}
    found = {(group, option) for group in tree.groups for option in tree.options(group)}
    assert found == {(p.parent.relative_to(conf_dir()).as_posix(), p.stem) for p in files}
    assert all(tree.has(group, option) for group, option in found)


def test_a_group_of_groups_is_a_group(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.yaml").touch()
    assert ConfigTree((tmp_path,)).groups == ("a", "a/b")


def test_further_folders_add_options(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").touch()
    assert "mine" in ConfigTree.default([tmp_path]).options("model")
    with pytest.raises(RequestError, match="no such folder"):
        ConfigTree.default([tmp_path / "nowhere"])


def test_the_files_are_found_beside_and_inside_the_package(tmp_path: Path) -> None:
    import shutil
    import subprocess
    import sys

    # A wheel has them inside.
    package = Path(conf_dir().parent / "lvm_experiments")
    shutil.copytree(package, tmp_path / "lvm_experiments", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(conf_dir(), tmp_path / "lvm_experiments" / "conf")
    code = "from lvm_experiments.configuration import conf_dir; print(conf_dir())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(ran.stdout.strip()) == tmp_path / "lvm_experiments" / "conf"
