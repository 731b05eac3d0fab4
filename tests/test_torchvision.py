"""A torchvision built for another torch becomes importable; one that fits is left as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# What torchvision does at import, in small: an extension that may load, then fake kernels for two
# operators. (TORCH_LIBRARY in C++ makes a library of kind DEF.)
LOADS = """
import torch
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.impl("nms", lambda dets, scores, iou_threshold: dets + 1, "CPU")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.impl("qnms", lambda dets, scores, iou_threshold: dets + 2, "CPU")
"""
LOADS_NMS_ONLY = LOADS[: LOADS.index('library.define("qnms')]
DOES_NOT_LOAD = "import torch\n"
FAKES = """
import torch
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, iou_threshold): return dets
@torch.library.register_fake("torchvision::qnms")
def qnms(dets, scores, iou_threshold): return dets
"""


def python(code: str, *, first_on_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh process."""
    path = f"import sys; sys.path.insert(0, {str(first_on_path)!r})\n" if first_on_path else ""
    return subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True)


def succeed(code: str, *, first_on_path: Path | None = None) -> str:
    done = python(code, first_on_path=first_on_path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def torchvision_with(extension: str, folder: Path) -> Path:
    """A package called torchvision in `folder` that imports as the real one does."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from . import extension\nfrom torchvision import _meta_registrations\n")
    (package / "extension.py").write_text(extension)
    (package / "_meta_registrations.py").write_text(FAKES)
    return folder


def test_the_installed_torchvision_and_lightning_import() -> None:
    succeed(
        "import lvm_experiments\n"
        "import pytorch_lightning, torch, torchvision.datasets, torchvision.utils\n"
        "grid = torchvision.utils.make_grid(torch.zeros(4, 1, 8, 8), nrow=2, padding=2)\n"
        "assert grid.shape == (3, 22, 22), grid.shape\n"
    )


def test_importing_the_package_imports_neither_torch_nor_torchvision() -> None:
    succeed(
        "import sys, lvm_experiments\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
        "import torch\n"
        "assert 'torchvision' not in sys.modules\n"
        "assert not hasattr(torch.ops.torchvision, 'nms')\n"
    )


def test_an_extension_that_does_not_load_needs_the_declarations(tmp_path: Path) -> None:
    folder = torchvision_with(DOES_NOT_LOAD, tmp_path)
    without = python("import torchvision", first_on_path=folder)
    assert "operator torchvision::nms does not exist" in without.stderr
    succeed("import lvm_experiments, torchvision", first_on_path=folder)


@pytest.mark.parametrize("extension", [LOADS, LOADS_NMS_ONLY], ids=["all", "nms_only"])
def test_operators_that_an_extension_declares_stay_its_own(extension: str, tmp_path: Path) -> None:
    folder = torchvision_with(extension, tmp_path)
    succeed(
        "import lvm_experiments, torch, torchvision\n"
        "x = torch.zeros(2)\n"
        "assert torch.ops.torchvision.nms(x, x, 0.5).tolist() == [1, 1]\n"
        "assert hasattr(torch.ops.torchvision, 'qnms')\n",
        first_on_path=folder,
    )


def test_after_a_failed_import_of_torchvision(tmp_path: Path) -> None:
    folder = torchvision_with(DOES_NOT_LOAD, tmp_path)
    succeed(
        "try:\n    import torchvision\n"
        "except RuntimeError as error:\n    assert 'nms' in str(error)\n"
        "else:\n    raise SystemExit('imported')\n"
        "import lvm_experiments, torchvision\n",
        first_on_path=folder,
    )


def test_declaring_twice_changes_nothing() -> None:
    succeed(
        "import sys, lvm_experiments\n"
        "from lvm_experiments import _torchvision\n"
        "before = list(sys.meta_path)\n"
        "_torchvision.declare_missing_operators()\n"
        "assert sys.meta_path == before\n"
    )
