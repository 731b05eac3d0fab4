"""Fixtures of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = {"gpu": 1, "multi_gpu": 2}
    marked = [(item, n) for item in items for name, n in wanted.items() if item.get_closest_marker(name)]
    if not marked:
        return
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for item, n in marked:
        if found < n:
            item.add_marker(pytest.mark.skip(reason=f"needs {n} GPU(s), {found} found"))


@pytest.fixture
def float64() -> Iterator[None]:
    """New tensors and parameters are float64 while the test runs."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data files that LVM_TEST_DATA names; the test is skipped without one."""
    named = os.environ.get("LVM_TEST_DATA")
    if not named:
        pytest.skip("LVM_TEST_DATA names no folder of data files")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"LVM_TEST_DATA names {named}, which is no folder")
    return folder
