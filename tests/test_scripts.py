"""The scripts set up what they need, once, and hand on what they were given."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# In the place of the environment's interpreter: notes what it is asked for. `pip install` takes a
# moment, and fails where a file says so; everything that is no installation is done by Python.
INTERPRETER = f"""#!/usr/bin/env bash
here="$(cd "$(dirname "$0")/../.." && pwd -P)"
case "$*" in
"-m pip install"*)
    echo "$*" >>"$here/pip"
    sleep 0.3
    [[ ! -e "$here/broken" ]] ;;
"-m lvm_experiments"* | "-m pytest"*)
    pwd -P
    printf '<%s>\\n' "${{@:3}}" ;;
"-m ensurepip"* | "-m compileall"*) ;;
*) exec {shlex.quote(sys.executable)} "$@" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in a folder with a space in its name, and an environment that only takes notes."""
    folder = tmp_path / "a clone"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    interpreter = folder / ".venv/bin/python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(INTERPRETER)
    interpreter.chmod(0o755)
    return folder


def script(clone: Path, name: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [clone / "scripts" / name, *arguments]
    return subprocess.run(command, cwd=cwd or clone, capture_output=True, text=True)


def installations(clone: Path) -> list[str]:
    notes = clone / "pip"
    return notes.read_text().splitlines() if notes.exists() else []


def test_run_hands_on_every_argument_in_the_callers_folder(clone: Path, tmp_path: Path) -> None:
    done = script(clone, "run", "model=bernoulli_vae", "name=two words", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path), "<model=bernoulli_vae>", "<name=two words>"]
    (line,) = done.stderr.splitlines()
    assert line.startswith("Setting up ")


def test_set_up_uses_the_constraints_and_is_done_once(clone: Path) -> None:
    for _ in range(3):
        assert script(clone, "run").returncode == 0
    (call,) = installations(clone)
    assert "--constraint constraints.txt" in call
    assert call.endswith("--editable .")
    assert script(clone, "run").stderr == ""


def test_the_tests_need_more_and_a_run_needs_no_more_than_they(clone: Path) -> None:
    assert script(clone, "setup").returncode == 0
    assert script(clone, "test").returncode == 0
    assert installations(clone)[-1].endswith("--editable .[test]")
    for name in ("run", "test", "setup"):
        assert script(clone, name).stderr == ""
    assert len(installations(clone)) == 2


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_set_up_is_redone_when_what_it_needs_has_changed(name: str, clone: Path) -> None:
    script(clone, "run")
    with (clone / name).open("a") as file:
        file.write("# changed\n")
    script(clone, "run")
    assert len(installations(clone)) == 2


def test_set_up_is_redone_in_a_copy_elsewhere(clone: Path) -> None:
    script(clone, "run")
    moved = clone.rename(clone.with_name("moved"))
    script(moved, "run")
    assert len(installations(moved)) == 2


def test_a_failed_set_up_is_said_and_redone(clone: Path) -> None:
    (clone / "broken").touch()
    done = script(clone, "run")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "try again" in done.stderr.splitlines()[-1]
    (clone / "broken").unlink()
    assert script(clone, "run").returncode == 0
    assert len(installations(clone)) == 2


def test_what_an_interrupted_installation_left_is_taken_away(clone: Path) -> None:
    packages = clone / ".venv/lib/python3.11/site-packages"
    for name in ("whole", "half"):
        (packages / f"{name}-1.0.dist-info").mkdir(parents=True)
        (packages / f"{name}-1.0.dist-info/METADATA").touch()
    (packages / "whole-1.0.dist-info/INSTALLER").touch()
    assert script(clone, "setup").returncode == 0
    assert [path.name for path in packages.iterdir()] == ["whole-1.0.dist-info"]


def test_two_at_once_set_up_once(clone: Path) -> None:
    both = [subprocess.Popen([clone / "scripts/setup"], stderr=subprocess.PIPE) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(installations(clone)) == 1
    assert sorted(map(bool, errors)) == [False, True]


def test_an_environment_that_is_too_old_is_named(clone: Path) -> None:
    old = INTERPRETER.replace('case "$*" in', '[[ "$*" == *version_info* ]] && exit 1\ncase "$*" in')
    (clone / ".venv/bin/python").write_text(old)
    done = script(clone, "run")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "3.11" in done.stderr
    assert "delete .venv" in done.stderr


@pytest.mark.parametrize(
    ("given", "workers"),
    [([], ["-n", "3", "--dist", "worksteal"]), (["-n0"], []), (["-n", "4"], []), (["--numprocesses=1"], [])],
)
def test_three_workers_unless_told_otherwise(given: list[str], workers: list[str], clone: Path, tmp_path: Path) -> None:
    done = script(clone, "test", *given, "-k", "a or b", cwd=tmp_path)
    folder, *arguments = done.stdout.splitlines()
    assert folder == str(clone)
    assert arguments == [f"<{argument}>" for argument in [*workers, *given, "-k", "a or b"]]
