from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from lvm_experiments.runs import provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with this module in it."""
    package = tmp_path / "repository" / "package"
    (package / "runs").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(provenance, "__file__", str(package / "runs" / "provenance.py"))
    provenance._git.cache_clear()
    git(tmp_path / "repository", "init", "-q")
    return tmp_path / "repository"


@pytest.fixture(autouse=True)
def _forget() -> None:
    provenance._git.cache_clear()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_commit_and_what_differs_from_it(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "first")
    clean = provenance.provenance()["git"]
    assert clean == {
        "commit": git(checkout, "rev-parse", "HEAD").strip(),
        "diff_sha256": hashlib.sha256(b"").hexdigest(),
    }
    (checkout / "package" / "__init__.py").write_text("changed = True\n")
    provenance._git.cache_clear()
    changed = provenance.provenance()["git"]
    assert changed["commit"] == clean["commit"]
    assert changed["diff_sha256"] != clean["diff_sha256"]


def test_a_package_within_somebody_else_s_repository_is_no_checkout(checkout: Path) -> None:
    (checkout / "README").touch()
    git(checkout, "add", "README")
    git(checkout, "commit", "-q", "-m", "first")
    assert provenance.provenance()["git"] is None


def test_without_git(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.provenance()["git"] is None
