"""What was trained: which variables are there, and what hangs on what?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import re
from dataclasses import dataclass
from typing import Any

import daft
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.structure import CONDITION, OBSERVED, Structure, Variable, structure_of
from lvm_experiments.plots.style import DPI, INK, MUTED, SMALL, new_figure, text_width, titled

TITLE = "Model"
DESCRIPTION = "The variables and their distributions; solid arrows generate, dashed ones infer, grey is observed."

_EXAMPLES = 16  # that the structure is found with
_CM = 2.54
_NODE, _DOWN, _BESIDE = 0.95, 2.0, 0.7  # centimetres: a node's width, from row to row, from a node to its words
_MARGIN, _PLATE = 0.2, 0.3  # around the page, and inside the plate
_NARROW = 9.0  # centimetres that it is wide at least
_BEND = 0.3  # of an arrow, as a share of its length
_LINE = 1.35 * SMALL / 72 * _CM


def draw(context: Illustration) -> Figure | None:
    """Latents from the top down, what is observed below them, what they are conditioned on beside it."""
    structure = structure_of(context.model, context.few(_EXAMPLES))
    symbol = "c" if context.seen.condition is not None else "y"
    return _Page(context, structure, symbol).figure()


@dataclass
class _Page:
    """A graph with words beside its nodes.

    Arguments:
        context: What is shown.
        structure: The graph.
        symbol: What the condition is called.
    """

    context: Illustration
    structure: Structure
    symbol: str

    def figure(self) -> Figure:
        figure = new_figure(1, 1)
        # One below the other, so that there is room for words beside each.
        column = [*(v for level in self.structure.levels for v in level), self.structure.x]
        row = {v.name: number for number, v in enumerate(column)}
        words = {v.name: self._words(v) for v in column}
        wide = max(text_width(figure, line) for lines in words.values() for line in lines) / DPI * _CM
        # Arrows past a row bend to the left where they infer, to the right where they generate.
        past = max(abs(row[v.name] - row[c]) for v in column for c in [v.name, *v.seen] if c in row)
        skipped = max(row[v.name] - row[p] for v in column for p in [v.name, *v.parents] if p in row)
        middle = _MARGIN + _PLATE + _NODE / 2 + _BEND * past * _DOWN / 2 + 2.0 * bool(self.structure.conditioned)
        beside = _BESIDE + (_BEND * skipped * _DOWN / 2 if skipped > 1 else 0.0)
        width = max(middle + beside + wide + _PLATE + _MARGIN, _NARROW)
        floor = _MARGIN + 2.5 * _LINE + _NODE / 2
        place = {name: (middle, floor + (len(column) - 1 - number) * _DOWN) for name, number in row.items()}
        if self.structure.conditioned:
            place[CONDITION] = (_MARGIN + 2 * _PLATE + _NODE / 2 + 0.3, floor)
        height = floor + (len(column) - 1) * _DOWN + _NODE / 2 + _PLATE + _MARGIN
        head = titled(figure, width / _CM, height / _CM, TITLE, self.context.subtitle(*self._facts()))
        axes = figure.add_axes((0, 0, 1, height / (height + head * _CM)), xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        self._graph(axes, place, (width, height))
        for name, lines in words.items():
            for number, line in enumerate(lines):
                y = place[name][1] - (number - (len(lines) - 1) / 2) * _LINE
                colour = INK if number == 0 else MUTED
                axes.text(middle + beside, y, line, color=colour, fontsize=SMALL, va="center_baseline")
        if self.structure.conditioned:
            x, y = place[CONDITION]
            axes.text(x, y - _NODE / 2 - 0.1, self._condition(), color=MUTED, fontsize=SMALL, ha="center", va="top")
        return figure

    def _graph(self, axes: Axes, place: dict[str, tuple[float, float]], size: tuple[float, float]) -> None:
        graph = daft.PGM(shape=size, origin=(0, 0), grid_unit=1.0, node_unit=_NODE, line_width=0.9, node_ec=INK)
        # It would make a figure of pyplot's, which may open a window.
        graph._ctx._figure, graph._ctx._ax = axes.figure, axes
        observed = {OBSERVED, CONDITION}
        for name, (x, y) in place.items():
            content = f"${self._symbol(name)}$"
            graph.add_node(name, content, x, y, observed=name in observed, fontsize=SMALL + 3)
        (left, bottom), (width, height) = (_MARGIN, _MARGIN), size
        graph.add_plate(
            (left, bottom, width - 2 * _MARGIN, height - 2 * _MARGIN),
            label=self._plate(),
            position="bottom right",
            fontsize=SMALL,
            rect_params={"ec": MUTED, "fc": "none", "lw": 0.7},
            bbox={"fc": "none", "ec": "none", "pad": 0},
        )
        nodes = graph._nodes
        for variable in (*self.structure.latents, self.structure.x):
            for parent in variable.parents:
                graph._edges.append(_Arrow(nodes[parent], nodes[variable.name], infers=False))
            for cause in variable.seen:
                graph._edges.append(_Arrow(nodes[cause], nodes[variable.name], infers=True))
        for part in (*graph._plates, *graph._edges, *nodes.values()):
            part.render(graph._ctx)
        axes.set(xlim=(0, size[0]), ylim=(0, size[1]))

    def _words(self, variable: Variable) -> list[str]:
        lines = [f"{self._density('p', variable.name, variable.parents)}   {variable.p}"]
        if variable.q:
            lines.append(f"{self._density('q', variable.name, variable.seen)}   {variable.q}")
            lines.append(_size(variable.shape))
        else:
            lines.append(f"{_size(variable.shape)}, {self.context.model.spec.space}")
        return lines

    def _density(self, letter: str, name: str, given: list[str]) -> str:
        # What is observed first, what is conditioned on last.
        order = sorted(given, key=lambda one: (one != OBSERVED, one == CONDITION))
        after = r"\mid " + ", ".join(map(self._symbol, order)) if order else ""
        return f"${letter}({self._symbol(name)}{after})$"

    def _symbol(self, name: str) -> str:
        if name == CONDITION:
            return self.symbol
        letters, digits = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
        plain = letters if len(letters) == 1 else rf"\mathrm{{{letters.replace('_', ' ')}}}"
        return f"{plain}_{{{digits}}}" if digits else plain

    def _condition(self) -> str:
        return "label" if self.symbol == "y" else f"condition of {self.structure.conditioned}"

    def _plate(self) -> str:
        size = self.context.source.size
        return f"$N$ = {size:,}" if size else "$N$"

    def _facts(self) -> tuple[str, ...]:
        parameters = sum(p.numel() for p in self.context.model.parameters())
        kind = type(self.context.model).__name__
        return kind, f"{parameters:,} parameters", "solid: generates", "dashed: infers", self.context.space


class _Arrow(daft.Edge):
    """An arrow that goes around what stands between its ends; what infers keeps to the left.

    Arguments:
        start: A node.
        end: A node.
        infers: Whether it belongs to the posterior.
    """

    def __init__(self, start: Any, end: Any, *, infers: bool) -> None:
        super().__init__(start, end)
        self.infers = infers

    def render(self, ctx: Any) -> FancyArrowPatch:
        across, down = self.node2.x - self.node1.x, self.node1.y - self.node2.y
        straight = not self.infers and (across != 0 or abs(down) <= _DOWN * 1.01)
        bend = 0.0 if straight else (_BEND if (down > 0) == self.infers else -_BEND)
        arrow = FancyArrowPatch(
            ctx.convert(self.node1.x, self.node1.y),
            ctx.convert(self.node2.x, self.node2.y),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>,head_length=4,head_width=2",
            linestyle=(0, (3.5, 2.5)) if self.infers else "-",
            color=MUTED if self.infers else INK,
            linewidth=0.9,
            shrinkA=_NODE / 2 / _CM * 72 + 1,
            shrinkB=_NODE / 2 / _CM * 72 + 1,
        )
        ctx.ax().add_patch(arrow)
        return arrow


def _size(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"{shape[0]} dimension{'s' * (shape[0] != 1)}"
    return " × ".join(map(str, shape))
