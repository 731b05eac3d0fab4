"""Caltech101Silhouettes: outlines of objects."""

from __future__ import annotations

__all__ = ["Caltech101Silhouettes"]

from pathlib import Path

import numpy as np
import torch

from lvm_experiments.data.data import Data
from lvm_experiments.data.dataset import DataSet
from lvm_experiments.data.files import corrupt, data_folder, missing, read_mat, read_npz
from lvm_experiments.data.split import Split
from lvm_experiments.errors import RequestError, nearest
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability

PARTS = ("train", "val", "test")
SPLITS = ("seed0", "split1")


class Caltech101Silhouettes(DataSet):
    """Filled outlines of objects, 28 x 28 cells, 1 inside the object; 4,100 / 2,264 / 2,307.

    Arguments:
        path: The folder that holds `caltech101_silhouettes`, only ever read; None for the cache
            folder. There `seed0` needs `caltech101_silhouettes_28.mat` and `split_seed0.npz`,
            `split1` needs `caltech101_silhouettes_28_split1.npz`.
        batch_size: Examples in a batch, over all processes.
        split: `split1` is the one of the papers; `seed0` has its sizes, was drawn with a seed, and
            gives numbers that are not comparable with papers.
        limit: Use the first so many training examples only; None for all.
        missing: Share of cells (of an image: of pixels) to hide at random, in all splits.
        labelled: How many training labels are kept, of all classes alike; None for all.

    Raises:
        RequestError: A file is missing or corrupt, or there is no such split.

    Example:
        >>> Caltech101Silhouettes(path="data", split="split1").split
        'split1'

    References:
        Inductive Principles for Restricted Boltzmann Machine Learning
        (Marlin, Swersky, Chen, de Freitas, 2010)
    """

    name = "caltech101_silhouettes"
    outline = DataSpec("binary", (1, 28, 28), levels=2, classes=101)

    def __init__(
        self,
        path: str | None = None,
        batch_size: PositiveInt = 128,
        split: str = "seed0",
        limit: PositiveInt | None = None,
        missing: Probability = 0.0,
        labelled: PositiveInt | None = None,
    ) -> None:
        super().__init__(path, batch_size, limit, missing, labelled)
        if split not in SPLITS:
            meant = nearest(split, SPLITS)
            hint = f"did you mean {meant}?" if meant else f"splits are {' and '.join(SPLITS)}"
            raise RequestError(f"no split is called {split!r}", where="data.split", hint=hint)
        self.split = split

    def read(self) -> Data:
        """Reads the images of the split that was asked for."""
        folder = data_folder(self.path) / self.name
        splits = self._seed0(folder) if self.split == "seed0" else self._split1(folder)
        classes = max(int(split.label.max()) for split in splits if split.label is not None) + 1
        return Data(self.name, self.outline.replace(classes=classes), *splits)

    def _find(self, file: Path, original: str) -> Path:
        if not file.is_file():
            raise missing(file, original=original, command=f"{self.name} FILE")
        return file

    def _seed0(self, folder: Path) -> list[Split]:
        original = "caltech101_silhouettes_28.mat (Marlin et al. 2010)"
        images = self._find(folder / "caltech101_silhouettes_28.mat", original)
        numbers = self._find(folder / "split_seed0.npz", original)
        found = read_mat(images, ("X", "Y"))
        x, label = found["X"], found["Y"].ravel().astype(np.int64) - 1
        if x.ndim != 2 or x.shape[1] != 784 or len(label) != len(x):
            raise corrupt(images, f"X is of shape {x.shape}, Y of {found['Y'].shape}")
        # MATLAB's columns come first, and the object is 0.
        x = 1 - x.astype(np.uint8).reshape(-1, 1, 28, 28).transpose(0, 1, 3, 2)
        whole = Split(torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(label))
        splits = []
        for part, rows in read_npz(numbers, PARTS).items():
            if rows.ndim != 1 or rows.min() < 0 or rows.max() >= len(x):
                raise corrupt(numbers, f"{part} names rows that are not there")
            splits.append(whole.select(torch.from_numpy(rows.astype(np.int64))))
        return splits

    def _split1(self, folder: Path) -> list[Split]:
        file = self._find(
            folder / "caltech101_silhouettes_28_split1.npz",
            "caltech101_silhouettes_28_split1.mat (Marlin et al. 2010)",
        )
        found = read_npz(file, (key for part in PARTS for key in (part, f"{part}_labels")))
        splits = []
        for part in PARTS:
            x, label = found[part], found[f"{part}_labels"]
            if x.dtype != np.uint8 or x.shape[1:] != (28, 28) or label.shape != x.shape[:1]:
                raise corrupt(file, f"{part} is {x.dtype} of shape {x.shape}")
            labels = torch.from_numpy(label.astype(np.int64))
            splits.append(Split(torch.from_numpy(x).unsqueeze(1), labels))
        return splits
