"""A canvas that writes quickly: letters are most of a figure's time."""

from __future__ import annotations

__all__ = ["Canvas"]

import io
import os
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.text import Text
from PIL import Image, ImageFont


class Canvas(FigureCanvasAgg):
    """Draws words with Pillow, in a tenth of matplotlib's time, and sets a formula once, not once per picture."""

    _drawn_for: tuple[float, ...] = ()

    def get_renderer(self) -> RendererAgg:
        wanted = (*self.figure.bbox.size, self.figure.dpi)
        if wanted != self._drawn_for:
            self.renderer, self._drawn_for = _Renderer(*wanted), wanted
        return self.renderer


class _Renderer(RendererAgg):
    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.mathtext_parser = _formulas()

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        font = self._letters(prop)
        _, above, _, below = font.getbbox(s, anchor="ls")
        return font.getlength(s), below - above, below

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,  # noqa: FBT002
        mtext: Text | None = None,
    ) -> None:
        if ismath or angle not in (0, 90):
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        ink, (left, above) = self._letters(prop).getmask2(s, "L", anchor="ls")
        if not all(ink.size):
            return
        cover = np.asarray(Image.frombytes("L", ink.size, bytes(ink)))
        letters = np.empty((*cover.shape, 4), dtype=np.uint8)
        red, green, blue, opacity = gc.get_rgb()
        letters[..., :3] = np.round(np.array([red, green, blue]) * 255)
        letters[..., 3] = np.round(cover * opacity)
        high = len(cover)
        # x and y are where the words begin on their line, from the top; an image is put by its bottom, upside down.
        corner = (left, above + high)
        if angle == 90:
            letters, corner = np.rot90(letters), (above, -left)
        across, down = round(x + corner[0]), round(y + corner[1])
        self.draw_image(gc, across, round(self.height) - down, np.ascontiguousarray(letters[::-1]))

    def _letters(self, prop: FontProperties) -> ImageFont.FreeTypeFont:
        return _font(prop.get_name(), prop.get_style(), prop.get_weight(), self.points_to_pixels(prop.get_size()))


@cache
def _font(
    name: str, style: Literal["normal", "italic", "oblique"], weight: Any, pixels: float
) -> ImageFont.FreeTypeFont:
    file = Path(findfont(FontProperties(family=name, style=style, weight=weight)))
    # From memory, so that it is of use to a forked process that closes every file.
    return ImageFont.truetype(io.BytesIO(file.read_bytes()), pixels, layout_engine=ImageFont.Layout.BASIC)


@cache
def _formulas() -> Any:
    """Matplotlib's, which remembers what it has set; every renderer makes one of its own."""
    return RendererAgg(1, 1, 100).mathtext_parser


if hasattr(os, "register_at_fork"):
    # What is set holds open files of fonts, which matplotlib itself forgets in a forked process.
    os.register_at_fork(after_in_child=_formulas.cache_clear)
