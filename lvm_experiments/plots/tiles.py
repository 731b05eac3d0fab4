"""Images as tiles of whole pixels, so that nothing is blurred or bent by resampling."""

from __future__ import annotations

__all__ = ["Tiles", "can_be_looked_at", "columns_for", "pixels", "tile", "zoom_for"]

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.spec import DataSpec

_CELL = 72  # pixels that a tile should about be wide: 0.36 inches
_LONGEST = 6  # times its shorter side that a picture may be long: a strip of 12 pixels
_WIDTH = 1410  # pixels that a row of tiles may be wide
_GAP, _BAND = 2, 10  # pixels between tiles, and between bands of rows
_FRAME, _PAPER = 176, 255  # grey around a tile, so that white images have an end; white between
_MISSING = (110, 140, 190)  # of a cell that was not observed
_MARK = (213, 94, 0)  # of the frame of a tile to look at


@dataclass(frozen=True)
class Tiles:
    """Tiles in rows and columns.

    Arguments:
        image: Shape `(height, width, 3)`, uint8.
        rows: The middle of each row, in pixels from the top.
        columns: The middle of each column, in pixels from the left.
    """

    image: np.ndarray
    rows: list[float]
    columns: list[float]


def pixels(x: Tensor, spec: DataSpec, data: Tensor, mask: Tensor | None = None) -> np.ndarray:
    """Images in the data's own values to colours: black is the lowest value, white the highest.

    Arguments:
        x: Shape `(N, C, H, W)`.
        spec: The data's own space: its levels span black to white, as does the unit interval.
        data: Raw examples, which span it where the space is unbounded.
        mask: True where a cell was observed, broadcasting against x.

    Returns:
        Shape `(N, H, W, 3)`, uint8.

    Example:
        >>> x = torch.tensor([0, 16]).reshape(2, 1, 1, 1)
        >>> pixels(x, DataSpec("bytes", (1, 1, 1), levels=17), x)[:, 0, 0].tolist()
        [[0, 0, 0], [255, 255, 255]]
    """
    low, high = 0.0, 1.0
    if spec.levels:
        high = spec.levels - 1
    elif spec.space != "unit":
        found = data[torch.isfinite(data)] if data.is_floating_point() else data
        low, high = float(found.min()), float(found.max())
    unit = (torch.nan_to_num(x.double(), low) - low) / ((high - low) or 1.0)
    grey = (unit.clamp(0, 1) * 255).round().to(torch.uint8)
    colours = grey.expand(-1, 3, -1, -1).movedim(1, -1).contiguous().numpy()
    if mask is not None:
        seen = mask.expand_as(x).all(1).numpy()
        colours[~seen] = _MISSING
    return colours


def can_be_looked_at(spec: DataSpec) -> bool:
    """Whether examples are pictures: `(C, H, W)`, grey or red, green and blue, and no mere lines.

    Example:
        >>> [can_be_looked_at(DataSpec("bytes", shape, levels=256)) for shape in ((1, 7, 5), (2, 8, 8), (1, 1, 28))]
        [True, False, False]
    """
    if len(spec.shape) != 3 or spec.shape[0] not in (1, 3):
        return False
    short, long = sorted(spec.shape[1:])
    return short > 1 and long <= _LONGEST * short


def zoom_for(spec: DataSpec, cell: int = _CELL) -> int:
    """How many pixels wide a pixel of the data is drawn.

    Example:
        >>> [zoom_for(DataSpec("bytes", (1, n, n), levels=256)) for n in (8, 28, 64)]
        [9, 3, 1]
    """
    return max(1, round(cell / max(spec.shape[1:])))


def columns_for(spec: DataSpec, most: int, width: int = _WIDTH) -> int:
    """How many tiles stand in a row: as many as fit, at most `most`."""
    cell = spec.shape[2] * zoom_for(spec) + _GAP + 2
    return max(2, min(most, width // cell))


def tile(pictures: np.ndarray, columns: int, zoom: int, *, band: int = 0, marked: Collection[int] = ()) -> Tiles:
    """Puts pictures into rows, from the left and from the top.

    Arguments:
        pictures: Shape `(N, H, W, 3)`, uint8.
        columns: How many in a row.
        zoom: How many pixels wide a pixel is drawn.
        band: After so many rows more space is left; 0: nowhere.
        marked: Numbers of pictures that get a thick frame.

    Example:
        >>> tiles = tile(np.zeros((3, 8, 8, 3), dtype=np.uint8), columns=2, zoom=2)
        >>> tiles.image.shape, tiles.columns
        ((42, 42, 3), [11.0, 31.0])
    """
    large = pictures.repeat(zoom, 1).repeat(zoom, 2)
    framed = np.pad(large, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=_FRAME)
    count, height, width = framed.shape[:3]
    rows = -(-count // columns)
    tops = [_GAP + r * (height + _GAP) + (r // band * _BAND if band else 0) for r in range(rows)]
    lefts = [_GAP + c * (width + _GAP) for c in range(columns)]
    whole = (tops[-1] + height + _GAP, lefts[-1] + width + _GAP, 3)
    image = np.full(whole, _PAPER, dtype=np.uint8)
    for number, picture in enumerate(framed):
        top, left = tops[number // columns], lefts[number % columns]
        if number in marked:
            around = slice(top - _GAP, top + height + _GAP), slice(left - _GAP, left + width + _GAP)
            image[around] = _MARK
            picture = picture[1:-1, 1:-1]
            image[top + 1 : top + height - 1, left + 1 : left + width - 1] = picture
        else:
            image[top : top + height, left : left + width] = picture
    return Tiles(image, [top + height / 2 for top in tops], [left + width / 2 for left in lefts])
