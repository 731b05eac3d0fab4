"""Image files that are read when they are needed."""

from __future__ import annotations

__all__ = ["ImageFiles", "find_images"]

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.data.files import corrupt
from lvm_experiments.data.streamed_split import StreamedSplit

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def find_images(folder: Path) -> list[Path]:
    """All image files under a folder, in the order of their names.

    Arguments:
        folder: Where to look, at any depth.
    """
    found = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    return sorted((file for file in found if file.is_file()), key=lambda file: file.as_posix())


class ImageFiles(StreamedSplit):
    """Images of one size from files of any: scaled until they cover it, then cut to its middle.

    Arguments:
        files: One file for each example.
        labels: The class of each, or None.
        size: Height and width in pixels.
        channels: 3 for colour, 1 for grey.
    """

    def __init__(self, files: list[Path], labels: list[int] | None, size: int, channels: int) -> None:
        self.files, self.labels, self.size, self.channels = files, labels, size, channels

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Tensor, int | None]:
        from PIL import Image, ImageOps

        file = self.files[row]
        try:
            with Image.open(file) as opened:
                upright = ImageOps.exif_transpose(opened)  # as cameras note it
                image = upright.convert("RGB" if self.channels == 3 else "L")
            image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BICUBIC)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise corrupt(file, error) from error
        cells = np.array(image, dtype=np.uint8).reshape(self.size, self.size, self.channels)
        x = torch.from_numpy(cells).permute(2, 0, 1).contiguous()
        return x, None if self.labels is None else self.labels[row]
