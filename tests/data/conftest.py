"""Small copies of published layouts, made anew for each test."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def idx_folder(tmp_path: Path) -> Callable[..., Path]:
    """Makes `NAME/raw` with 50 training and 7 test images of 5 x 4, packed or not."""

    def make(name: str, *, packed: bool = True) -> Path:
        raw = tmp_path / name / "raw"
        raw.mkdir(parents=True)
        random = np.random.default_rng(0)
        for part, count in (("train", 50), ("t10k", 7)):
            images = random.integers(0, 256, (count, 5, 4), dtype=np.uint8)
            images[:, 0, 0] = np.arange(count)
            for kind, array in (
                ("images-idx3", images),
                ("labels-idx1", np.arange(count, dtype=np.uint8) % 10),
            ):
                data = idx_bytes(array)
                if packed:
                    (raw / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(data))
                else:
                    (raw / f"{part}-{kind}-ubyte").write_bytes(data)
        return tmp_path

    return make


@pytest.fixture
def listing() -> Callable[[Path], dict[str, tuple[int, int]]]:
    """Every path under a folder with its size and time of change."""

    def of(folder: Path) -> dict[str, tuple[int, int]]:
        stats = {str(path): path.stat() for path in sorted(folder.rglob("*"))}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}

    return of
