"""What is built and installed, and what it says of itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import lvm_experiments

ROOT = Path(__file__).parents[1]


def call(*command: str, cwd: Path, **variables: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the source distribution, built with what is installed."""
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "hatchling", "build", "-d", str(folder))
    call(*build, "-t", "wheel", "-t", "sdist", cwd=ROOT)
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    call(*pip, "--target", str(folder), str(built[".whl"]), cwd=folder)
    return folder


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def shared_options() -> set[str]:
    """The files of conf/ that belong to everybody: all but those in conf/local."""
    return {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "conf").rglob("*.yaml") if path.parent.name != "local"
    }


def test_wheel_holds_the_package_its_types_and_every_option(built: dict[str, Path]) -> None:
    names = set(zipfile.ZipFile(built[".whl"]).namelist())
    assert {"lvm_experiments/__init__.py", "lvm_experiments/py.typed"} <= names
    options = {name for name in names if name.startswith("lvm_experiments/conf/") and ".yaml" in name}
    assert options == {f"lvm_experiments/{name}" for name in shared_options()}
    tops = {name.split("/")[0] for name in names}
    assert tops == {"lvm_experiments", f"lvm_experiments-{lvm_experiments.__version__}.dist-info"}


def test_source_distribution_can_be_built_set_up_and_tested(built: dict[str, Path]) -> None:
    with tarfile.open(built[".gz"]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "conftest.py"}
    wanted |= {"scripts/setup", "scripts/run", "scripts/test", "tests/test_package.py"}
    assert wanted | shared_options() <= names
    assert not [name for name in names if name.startswith(("outputs", ".venv", ".git/"))]


def test_installed_wheel_composes_from_another_folder(installed: Path, tmp_path: Path) -> None:
    printed = call(
        sys.executable,
        "-m",
        "lvm_experiments",
        "--cfg",
        "job",
        "model.latent_dim=7",
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert "latent_dim: 7" in printed
    found = call(
        sys.executable,
        "-c",
        "import lvm_experiments; print(lvm_experiments.__file__)",
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert Path(found.strip()).is_relative_to(installed)


def test_the_command_is_declared(project: dict[str, Any]) -> None:
    assert project["scripts"] == {"lvm_experiments": "lvm_experiments.app:main"}


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_forbidden_versions_of_lightning(version: str, project: dict[str, Any]) -> None:
    requirements = {r.name: r for r in map(Requirement, project["dependencies"])}
    assert "lightning" not in requirements
    assert not requirements["pytorch-lightning"].specifier.contains(version)
    assert requirements["pytorch-lightning"].specifier.contains("2.6.6")


def test_constraints_meet_every_requirement(project: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {
        name.lower().replace("_", "-"): version
        for name, _, version in (line.partition("==") for line in lines if line[0] != "#")
    }
    extras = project["optional-dependencies"].values()
    for text in [*project["dependencies"], *(text for extra in extras for text in extra)]:
        requirement = Requirement(text)
        if requirement.name != project["name"]:
            assert requirement.specifier.contains(pinned[requirement.name.lower()]), text
    # A build's own mark would bind the constraints to one kind of machine.
    assert not [version for version in pinned.values() if "+" in version]


def test_licence(project: dict[str, Any]) -> None:
    assert project["license"] == "MIT"
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License\n\nCopyright (c) 2026 The lvm_experiments authors\n")
