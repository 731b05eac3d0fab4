"""The frame of a chart: axes, grid, labels, and what they enclose.

Charts are SVG drawn here, not by a plotting library: plotly.js would take 1 to 4.5 of the 6 megabytes a report may
have, and matplotlib's SVG knows neither a dark page nor a narrow one. An SVG whose colours are the style sheet's
variables follows the page, stays sharp, prints, and can be read without a script; a chart takes some ten kilobytes.
"""

from __future__ import annotations

__all__ = ["HEIGHT", "WIDTH", "Plane", "better", "figure", "path"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lvm_experiments.reports.html.markup import Html, element, scrolling
from lvm_experiments.reports.html.scale import Scale
from lvm_experiments.reports.rows import Column

WIDTH, HEIGHT = 380, 270  # as wide as a phone, so that letters keep their size on one
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 26, 42


@dataclass(frozen=True)
class Plane:
    """Two axes.

    Arguments:
        x: The horizontal one.
        y: The vertical one.
        x_label: With unit.
        y_label: With unit.
        name: Of the chart, unique in the page.
    """

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    name: str

    def draw(self, *content: object) -> list[Html]:
        """Grid and axes around what is drawn between them, which is cut at their ends."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        grid, words = [], []
        for value, label in zip(self.y.ticks, self.y.labels, strict=True):
            grid.append(element("line", x1=LEFT, x2=right, y1=self.y(value), y2=self.y(value), class_="grid"))
            words.append(element("text", label, x=LEFT - 7, y=self.y(value) + 4, class_="tick end"))
        for value, label in zip(self.x.ticks, self.x.labels, strict=True):
            place = self.x(value)
            grid.append(element("line", x1=place, x2=place, y1=bottom, y2=bottom + 4, class_="axis"))
            words.append(element("text", label, x=place, y=bottom + 17, class_="tick middle"))
        grid.append(element("line", x1=LEFT, x2=right, y1=bottom, y2=bottom, class_="axis"))
        words.append(element("text", self.y_label, x=4, y=13, class_="label"))
        words.append(element("text", self.x_label, x=(LEFT + right) / 2, y=HEIGHT - 7, class_="label middle"))
        window = element("rect", x=LEFT - 8, y=TOP - 8, width=right - LEFT + 16, height=bottom - TOP + 9)
        cut = element("clipPath", window, id=f"cut-{self.name}")
        return [cut, *grid, element("g", content, clip_path=f"url(#cut-{self.name})"), *words]

    @staticmethod
    def across() -> tuple[float, float]:
        """Pixels of the ends of the horizontal axis."""
        return LEFT + 4, WIDTH - RIGHT - 4

    @staticmethod
    def down() -> tuple[float, float]:
        """Pixels of the ends of the vertical axis, lowest number first."""
        return HEIGHT - BOTTOM, TOP + 4


def figure(
    title: str,
    description: str,
    content: Iterable[object],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    wide: bool = False,
) -> Html:
    """A chart with its title; `description` is what those hear who do not see it."""
    # Letters of a wide one keep about their size: it is scrolled, not shrunk.
    style = f"min-width:{width * 0.85:.0f}px;max-width:{width * 1.12:.0f}px" if wide else None
    drawing = element("svg", content, viewBox=f"0 0 {width} {height}", role="img", aria_label=description, style=style)
    caption = element("figcaption", title) if title else None
    inner = scrolling(drawing, description) if wide else drawing
    return element("figure", caption, inner, class_="chart wide" if wide else "chart")


def better(column: Column | None) -> str:
    """Which way a metric is better, to follow its name; nothing where neither is, or it is not known."""
    if column is None or column.higher_is_better is None:
        return ""
    return ", higher is better" if column.higher_is_better else ", lower is better"


def path(points: Sequence[tuple[float, float]]) -> str:
    """The d of a line through points.

    Example:
        >>> path([(0, 0), (1.25, 2)])
        'M0 0L1.2 2'
    """
    return "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in points)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
