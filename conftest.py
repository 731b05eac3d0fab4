"""What holds for every test and doctest: one thread, seeded generators, nothing of the user's."""

from __future__ import annotations

import os

# Before torch is imported, and handed on to the processes that tests start. Threads that wait for
# each other by spinning make two workers on two cores many times slower than one thread each.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MPLBACKEND"] = "Agg"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
for variable in ("LVM_DATA_DIR", "WANDB_API_KEY", "WANDB_DIR", "MLFLOW_TRACKING_URI"):
    os.environ.pop(variable, None)

import random
from typing import Any

import hypothesis
import numpy
import pytest

import lvm_experiments  # noqa: F401 - before anything may import torchvision

# A property that fails must fail again on the next call, on any machine.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None, print_blob=False)
hypothesis.settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The same numbers whichever tests run, and in whichever order."""
    import torch

    random.seed(0)
    numpy.random.seed(0)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, Any]) -> None:
    """Doctests may use torch without importing it."""
    import torch

    doctest_namespace["torch"] = torch
