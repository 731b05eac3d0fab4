"""Which rows of a comparison belong together in a chart, and how they are told apart."""

from __future__ import annotations

__all__ = ["Layout", "Series", "legend", "marker"]

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html.chart import path
from lvm_experiments.reports.html.markup import Html, element
from lvm_experiments.reports.rows import Row, spoken, text

_MOST = 14  # series that colours and marks tell apart
COLOURS = 7  # in the style sheet, for light and for dark: Okabe & Ito's, told apart with any kind of colour vision
_POLYGONS = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.2), (1.15, 0.85), (-1.15, 0.85)),
    "diamond": ((0, -1.3), (1.2, 0), (0, 1.3), (-1.2, 0)),
    "cross": tuple(
        (a * x, b * y)
        for a, b, corner in ((1, -1, 0), (1, 1, 1), (-1, 1, 0), (-1, -1, 1))
        for x, y in (((0.4, 1.2), (0.4, 0.4), (1.2, 0.4)), ((1.2, 0.4), (0.4, 0.4), (0.4, 1.2)))[corner]
    ),
}
_MARKS = ("circle", "square", "triangle", "diamond", "cross", "ring")


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Arguments:
        name: What it is called.
        number: Its place among all; colour and mark follow from it.
    """

    name: str
    number: int

    @property
    def classes(self) -> str:
        """Its class in the style sheet."""
        return f"s{self.number % COLOURS}"

    @property
    def mark(self) -> str:
        """The shape of its points: no line is told by its colour alone."""
        return _MARKS[(self.number + self.number // COLOURS) % len(_MARKS)]


@dataclass(frozen=True)
class Layout:
    """What goes along the horizontal axis, and what makes series.

    Arguments:
        comparison: The comparison.
    """

    comparison: Comparison

    @cached_property
    def key(self) -> str | None:
        """The swept key along the axis: the latent dimension, or the first one of numbers, or the first."""
        keys = self.comparison.keys
        numeric = [key for key in keys if self._is_numeric(key)]
        for wanted in (*(key for key in numeric if key.endswith("latent_dim")), *numeric, *keys):
            return wanted
        return None

    @cached_property
    def label(self) -> str:
        """What the axis is called."""
        return spoken(self.comparison.keys)[self.key] if self.key else ""

    @cached_property
    def numeric(self) -> bool:
        """Whether the axis has numbers on it."""
        return self.key is not None and self._is_numeric(self.key)

    @cached_property
    def words(self) -> list[str]:
        """Values along the axis where they are words."""
        return list(dict.fromkeys(text(row.point.get(self.key)) for row in self.comparison.rows)) if self.key else [""]

    def x(self, row: Row) -> float:
        """Where a row is along the axis."""
        value = row.point.get(self.key) if self.key else ""
        return float(value) if self.numeric else float(self.words.index(text(value) if self.key else ""))  # type: ignore[arg-type]

    def tick(self, row: Row) -> str:
        """What is written there."""
        return text(row.point.get(self.key)) if self.key else ""

    def series(self, row: Row) -> Series:
        """The series of a row."""
        name = self._name(row.point)
        return Series(name, self._names.index(name))

    @cached_property
    def all(self) -> list[Series]:
        """Every series."""
        return [Series(name, number) for number, name in enumerate(self._names)]

    @cached_property
    def connected(self) -> bool:
        """Whether the rows of a series follow each other along the axis, as those of a grid do."""
        return self.numeric and self._keys == self._others

    @cached_property
    def _others(self) -> list[str]:
        return [key for key in self.comparison.keys if key != self.key]

    @cached_property
    def _keys(self) -> list[str]:
        """Keys that make series: all others of a grid; of a search, whose numbers are all different, the words."""
        points = {tuple(text(row.point.get(key)) for key in self._others) for row in self.comparison.rows}
        return self._others if len(points) <= _MOST else [k for k in self._others if not self._is_numeric(k)]

    @cached_property
    def _names(self) -> list[str]:
        return list(dict.fromkeys(self._name(row.point) for row in self.comparison.rows))

    def _name(self, point: Mapping[str, Any]) -> str:
        return " ".join(text(point.get(key)) for key in self._keys) or "all runs"

    def _is_numeric(self, key: str) -> bool:
        values = [row.point.get(key) for row in self.comparison.rows]
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values) and len(set(values)) > 1


def marker(series: Series, x: float, y: float, *, size: float = 4.5, **attributes: object) -> Html:
    """A point of a series."""
    attributes = {"class_": f"mark {series.classes}", **attributes}
    match series.mark:
        case "circle":
            return element("circle", cx=x, cy=y, r=size, **attributes)
        case "ring":
            return element("circle", cx=x, cy=y, r=size, **{**attributes, "class_": f"{attributes['class_']} hollow"})
    d = path([(x + size * a, y + size * b) for a, b in _POLYGONS[series.mark]]) + "Z"
    return element("path", d=d, **attributes)


def legend(layout: Layout) -> Html | None:
    """The series with their colours and marks; None where there is one only."""
    if len(layout.all) < 2:
        return None
    items = []
    for series in layout.all:
        line = element("line", x1=0, x2=26, y1=7, y2=7, class_=f"line {series.classes}")
        sample = element("svg", line, marker(series, 13, 7), viewBox="0 0 26 14", aria_hidden="true")
        items.append(element("li", sample, series.name, data_series=series.number))
    return element("ul", items, class_="legend", aria_label="series")
