"""What importing costs, and that everything can be imported."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lvm_experiments

MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(lvm_experiments.__path__, "lvm_experiments.")
    if not name.endswith("__main__")
]
HEAVY = {"torch", "torchvision", "pytorch_lightning", "wandb", "sklearn", "matplotlib", "pandas"}


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_and_its_names_exist(name: str) -> None:
    module = import_module(name)
    names = module.__all__
    assert len(names) == len(set(names))
    assert [wanted for wanted in names if not hasattr(module, wanted)] == []


@pytest.mark.parametrize("name", ["lvm_experiments", "lvm_experiments.app", "lvm_experiments.configuration"])
def test_light_modules_import_nothing_heavy(name: str) -> None:
    code = f"import sys, {name}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_forbidden_twin_of_lightning_is_imported_nowhere() -> None:
    imported = set()
    for path in Path(lvm_experiments.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").split(".")[0])
    assert "torch" in imported
    assert "lightning" not in imported


def test_a_name_the_package_has_not_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = lvm_experiments.lod  # type: ignore[attr-defined]
