"""How figures look, whatever the machine and the user's own settings."""

from __future__ import annotations

__all__ = [
    "CLASSES",
    "DATA",
    "DPI",
    "INK",
    "MARGIN",
    "MARK",
    "MODEL",
    "MUTED",
    "SMALL",
    "TITLE",
    "minus",
    "new_figure",
    "png",
    "styled",
    "text_width",
    "titled",
    "wrapped",
]

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from lvm_experiments.plots.canvas import Canvas

DPI = 200
TITLE, SMALL = 10, 8  # points
_COMPRESSION = 1  # of zlib: files are a sixth larger than at its usual 6
MARGIN = 0.08  # inches
INK, MUTED = "#222222", "#666666"

# Okabe & Ito's colours, told apart with any kind of colour vision.
DATA, MODEL, MARK = "#767676", "#0072B2", "#D55E00"

# Ten classes: Petroff, "Accessible color sequences for data visualization" (2021), arXiv 2107.02270.
CLASSES = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

_STYLE = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": SMALL,
    "figure.dpi": DPI,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so pictures are the same everywhere
    "font.size": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "savefig.dpi": DPI,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL - 1,
    "xtick.major.width": 0.6,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL - 1,
    "ytick.major.width": 0.6,
}


_inside = ContextVar("inside", default=False)


@contextmanager
def styled() -> Iterator[None]:
    """Inside, figures are made and rendered in this style, not in the user's matplotlibrc's."""
    if _inside.get():  # to set it takes a while
        yield
        return
    token = _inside.set(True)
    try:
        with matplotlib.style.context(["default", _STYLE]):
            yield
    finally:
        _inside.reset(token)


def new_figure(width: float, height: float) -> Figure:
    """A figure of its own canvas; nothing of pyplot's global state is used or changed.

    Arguments:
        width: Inches.
        height: Inches.
    """
    figure = Figure(figsize=(width, height), dpi=DPI)
    Canvas(figure)
    return figure


def text_width(figure: Figure, words: str) -> float:
    """How many pixels wide small words are."""
    text = Text(0, 0, words, fontsize=SMALL, figure=figure)
    return text.get_window_extent(figure.canvas.get_renderer()).width  # type: ignore[attr-defined]


def titled(figure: Figure, width: float, height: float, title: str, subtitle: str) -> float:
    """Sets the size of a figure and writes above what it is; gives the inches that takes.

    Arguments:
        figure: A figure.
        width: Inches.
        height: Inches below the title.
        title: In a large type.
        subtitle: Below it, broken into lines as needed.
    """
    lines = wrapped(subtitle, int(width * 16.5))
    head = (1.7 * TITLE + 1.35 * SMALL * len(lines)) / 72 + MARGIN
    whole = height + head
    figure.set_size_inches(width, whole)
    left, top = MARGIN / width, 1 - MARGIN / whole
    figure.text(left, top, title, fontsize=TITLE, fontweight="bold", va="top")
    below = top - 1.6 * TITLE / 72 / whole
    figure.text(left, below, "\n".join(lines), fontsize=SMALL, color=MUTED, va="top")
    return head


def minus(number: str) -> str:
    """A number with a minus sign in place of a hyphen."""
    return number.replace("-", "\N{MINUS SIGN}")


def wrapped(subtitle: str, letters: int) -> list[str]:
    """A subtitle in lines, broken between facts and, where one is too long, between words.

    Arguments:
        subtitle: Facts with ` · ` between them.
        letters: How many fit into a line.

    Example:
        >>> wrapped("a run · two words · three more words", 20)
        ['a run · two words', 'three more words']
    """
    lines = [""]
    for fact in subtitle.split(" · "):
        longer = f"{lines[-1]} · {fact}" if lines[-1] else fact
        if len(longer) <= letters:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(fact, letters) or [""]
    return [line for line in lines if line]


def png(figure: Figure) -> bytes:
    """The figure as a PNG, the same bytes for the same figure.

    Example:
        >>> png(new_figure(1, 1)) == png(new_figure(1, 1))
        True
    """
    buffer = io.BytesIO()
    canvas = Canvas(figure)
    with styled():
        canvas.draw()
    # Not by `savefig`, which takes twice the time: it keeps an opacity that nothing has, and compresses harder.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture.save(buffer, "png", dpi=(DPI, DPI), compress_level=_COMPRESSION)
    return buffer.getvalue()
