"""A figure of images: panels side by side, every pixel where it belongs, and words around them."""

from __future__ import annotations

__all__ = ["Panel", "page"]

from dataclasses import dataclass, field

from matplotlib.figure import Figure
from matplotlib.text import Text

from lvm_experiments.plots.style import DPI, INK, MUTED, SMALL, TITLE, new_figure, wrapped
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
    figure.set_dpi(DPI)
    lefts, right = [], float(_MARGIN)
    for panel in panels:
        words = max((_width(figure, word) for word in panel.rows), default=0.0)
        words += (words > 0) * _SPACE + (_LINE if panel.left else 0)
        lefts.append(round(right + words))
        right = lefts[-1] + panel.tiles.image.shape[1] + _BETWEEN
    width = max(round(right - _BETWEEN) + _MARGIN, 500)
    letter = _width(figure, subtitle) / max(len(subtitle), 1)
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
        place = (left / self.width, 1 - (top + high) / self.height, wide / self.width, high / self.height)
        axes = self.figure.add_axes(place)
        axes.imshow(tiles.image, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
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
            words = max((_width(self.figure, word) for word in panel.rows), default=0.0)
            x = left - words - 2 * _SPACE
            self.write(x, top + high / 2, panel.left, ha="right", va="center", rotation=90)


def _width(figure: Figure, words: str) -> float:
    """How many pixels wide small words are."""
    text = Text(0, 0, words, fontsize=SMALL, figure=figure)
    return text.get_window_extent(figure.canvas.get_renderer()).width  # type: ignore[attr-defined]
