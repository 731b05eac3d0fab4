"""How figures look, whatever the machine and the user's own settings."""

from __future__ import annotations

__all__ = [
    "CLASSES",
    "DATA",
    "DPI",
    "INK",
    "MARK",
    "MODEL",
    "MUTED",
    "SMALL",
    "TITLE",
    "minus",
    "new_figure",
    "png",
    "styled",
    "wrapped",
]

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 200
TITLE, SMALL = 10, 8  # points
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


@contextmanager
def styled() -> Iterator[None]:
    """Inside, figures are made and rendered in this style, not in the user's matplotlibrc's."""
    with matplotlib.style.context(["default", _STYLE]):
        yield


def new_figure(width: float, height: float, layout: Literal["constrained"] | None = None) -> Figure:
    """A figure of its own canvas; nothing of pyplot's global state is used or changed.

    Arguments:
        width: Inches.
        height: Inches.
        layout: The name of one of matplotlib's layout engines; None for positions given by hand.
    """
    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


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
    with styled():
        # Without the entry that names the version of matplotlib.
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
