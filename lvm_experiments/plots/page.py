"""A figure of images: panels side by side, every pixel where it belongs, and words around them."""

from __future__ import annotations

__all__ = ["Panel", "page"]

from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from lvm_experiments.plots.style import DPI, INK, MUTED, SMALL, TITLE, new_figure, text_width, wrapped
from lvm_experiments.plots.tiles import Tiles

_MARGIN, _SPACE = 20, 12  # pixels around the page, and between words and images
_BETWEEN = 50  # pixels between panels
_LINE = round(1.35 * SMALL * DPI / 72)  # pixels from one line of small words to the next


@dataclass(frozen=True)
class Panel:
    """Tiles and what is written around them.

    Arguments:
        tiles: The images.
        title: Above.
        rows: Left of each row.
        columns: Below each column; an empty word leaves one out.
        below: Under it all.
        left: Left of it all, turned upwards.
    """

    tiles: Tiles
    title: str = ""
    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    below: str = ""
    left: str = ""

    @property
    def height(self) -> int:
        """Pixels of the tiles and of what is written below them."""
        return self.tiles.image.shape[0] + _LINE * (any(self.columns) + bool(self.below))


def page(panels: list[Panel], title: str, subtitle: str) -> Figure:
    """Panels from left to right under a title.

    Arguments:
        panels: What to show.
        title: In a large type.
        subtitle: Below it, broken into lines as needed.
    """
    figure = new_figure(1, 1)
    lefts, right = [], float(_MARGIN)
    for panel in panels:
        words = max((text_width(figure, word) for word in panel.rows), default=0.0)
        words += (words > 0) * _SPACE + (_LINE if panel.left else 0)
        lefts.append(round(right + words))
        right = lefts[-1] + panel.tiles.image.shape[1] + _BETWEEN
    width = max(round(right - _BETWEEN) + _MARGIN, 500)
    letter = text_width(figure, subtitle) / max(len(subtitle), 1)
    lines = wrapped(subtitle, int((width - 2 * _MARGIN) / max(letter, 1)))
    top = _MARGIN + round(1.6 * TITLE * DPI / 72) + _LINE * len(lines) + _SPACE
    top += (_LINE + _SPACE // 2) if any(panel.title for panel in panels) else 0
    height = top + max(panel.height for panel in panels) + _MARGIN
    figure.set_size_inches(width / DPI, height / DPI)
    sheet = _Sheet(figure, width, height)
    sheet.write(_MARGIN, _MARGIN, title, fontsize=TITLE, fontweight="bold", va="top")
    below_title = _MARGIN + 1.6 * TITLE * DPI / 72
    for number, line in enumerate(lines):
        sheet.write(_MARGIN, below_title + number * _LINE, line, color=MUTED, va="top")
    for left, panel in zip(lefts, panels, strict=True):
        sheet.put(panel, left, top)
    return figure


class _Pixels(Artist):
    """An image in the figure's own pixels. Through axes it would be resampled, slowly, to what it is.

    Arguments:
        image: Shape `(height, width, 3)`, uint8.
        left: Pixels from the left of the figure.
        bottom: Pixels from its bottom.
    """

    def __init__(self, image: np.ndarray, left: int, bottom: int) -> None:
        super().__init__()
        self.image, self.left, self.bottom = image, left, bottom

    def draw(self, renderer: RendererBase) -> None:
        opaque = np.full((*self.image.shape[:2], 4), 255, dtype=np.uint8)
        opaque[..., :3] = self.image[::-1]
        context = renderer.new_gc()
        renderer.draw_image(context, self.left, self.bottom, opaque)
        context.restore()


@dataclass(frozen=True)
class _Sheet:
    """A figure addressed in pixels from its top left corner."""

    figure: Figure
    width: int
    height: int

    def write(self, x: float, y: float, words: str, **style: object) -> None:
        style = {"fontsize": SMALL, "color": INK} | style
        self.figure.text(x / self.width, 1 - y / self.height, words, **style)  # type: ignore[arg-type]

    def put(self, panel: Panel, left: int, top: int) -> None:
        tiles = panel.tiles
        high, wide = tiles.image.shape[:2]
        self.figure.add_artist(_Pixels(tiles.image, left, self.height - top - high))
        if panel.title:
            self.write(left, top - _SPACE // 2, panel.title, va="bottom")
        for middle, word in zip(tiles.rows, panel.rows, strict=bool(panel.rows)):
            self.write(left - _SPACE, top + middle, word, ha="right", va="center")
        for middle, word in zip(tiles.columns, panel.columns, strict=bool(panel.columns)):
            self.write(left + middle, top + high + _SPACE // 2, word, ha="center", va="top")
        if panel.below:
            under = top + high + _SPACE // 2 + (_LINE if any(panel.columns) else 0)
            self.write(left + wide / 2, under, panel.below, ha="center", va="top")
        if panel.left:
            words = max((text_width(self.figure, word) for word in panel.rows), default=0.0)
            x = left - words - 2 * _SPACE
            self.write(x, top + high / 2, panel.left, ha="right", va="center", rotation=90)
