"""A comparison in the terminal."""

from __future__ import annotations

__all__ = ["render_comparison", "show_comparison"]

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from lvm_experiments.reports.answer import answers, outcome
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.rows import Column, Row, spoken, text
from lvm_experiments.reports.significant import with_error

_WIDE = 10_000  # letters; a file has no edge at which to break lines

MARK = "*"
"""Of the best; a letter, so that nothing rests on colour or weight."""


def show_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Writes a comparison to the terminal, as wide as it needs where there is none.

    Arguments:
        comparison: What to show.
        console: Where to; None for the standard output.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_WIDE, color_system=None)
    console.print(render_comparison(comparison, console))


def render_comparison(comparison: Comparison, console: Console) -> RenderableType:
    """The table with what it says above and what has to be known below."""
    parts: list[RenderableType] = [Text(f"{comparison.collection.title}  {outcome(comparison)}".strip())]
    for answer in answers(comparison):
        line = Text(f"{answer.space}: ")
        line.append(answer.row, style="bold")
        parts.append(line.append(str(answer).removeprefix(answer.row)))
    parts.append(Text())
    parts.append(_table(comparison, console))
    parts.append(Text())
    if any(column.best for column in comparison.columns):
        parts.append(Text(f"{MARK} best of its space on validation data; numbers are of {comparison.split} data"))
    parts += [Text(note) for note in comparison.notes]
    return Group(*(_plain(part, console) for part in parts))


def number(mean: float, deviation: float | None, sign: str = "±") -> str:
    """A mean and its deviation in a cell."""
    value, spread = with_error(mean, deviation)
    return f"{value} {sign} {spread}" if spread else value


def difference_cell(row: Row, metric: str, sign: str = "±") -> str:
    """A difference with its error; a dash for the row it is to."""
    difference = row.differences.get(metric)
    if difference is None:
        return ""
    value, error = with_error(difference.value, difference.total_error)
    return f"{'' if value.startswith('-') else '+'}{value}" + (f" {sign} {error}" if error else "")


def _plain(part: RenderableType, console: Console) -> RenderableType:
    """Without letters that the output cannot write."""
    if isinstance(part, Text) and console.options.ascii_only:
        return Text(part.plain.replace("±", "+-").replace("\N{MINUS SIGN}", "-").encode("ascii", "replace").decode())
    return part


def _table(comparison: Comparison, console: Console) -> Table:
    sign = "+-" if console.options.ascii_only else "±"
    shown: Sequence[Column] = [c for c in comparison.columns if c.metric != "effective_samples"]
    while True:
        table = _with_columns(comparison, shown, sign)
        needed = table.__rich_measure__(console, console.options.update(width=_WIDE)).maximum
        if needed <= console.width or len(shown) <= 1:
            break
        shown = shown[:-1]
    left = [column.metric for column in comparison.columns if column not in shown and column.metric]
    if left and console.width < _WIDE:
        table.caption = f"and {', '.join(left)}: in the files"
        table.caption_justify = "left"
    return table


def _with_columns(comparison: Comparison, shown: Sequence[Column], sign: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = spoken(comparison.keys)
    several = len(comparison.spaces) > 1
    for key in comparison.keys:
        numeric = all(isinstance(row.point.get(key), int | float) for row in comparison.rows)
        table.add_column(names[key], no_wrap=True, justify="right" if numeric else "left")
    if several:
        table.add_column("space", no_wrap=True)
    table.add_column("n", justify="right")
    table.add_column("failed", justify="right")
    main = comparison.main
    for column in shown:
        unit = "" if column.unit == column.metric else f"\n{column.unit}"
        table.add_column(f"{comparison.split}/{column.metric}{unit}", no_wrap=True, justify="right")
        if column is main and any(row.differences for row in comparison.rows):
            table.add_column("difference\n(paired)", no_wrap=True, justify="right")
    for place, row in enumerate(comparison.rows):
        cells = [text(row.point.get(key)) for key in comparison.keys]
        cells += ([row.space] if several else []) + [str(row.completed), str(row.failed or "")]
        styled = [Text(cell) for cell in cells]
        for column in shown:
            cell = comparison.cell(row, column.metric)
            best = place in column.best
            written = number(cell.mean, cell.deviation, sign) if cell.n else "not finite" if cell.not_finite else ""
            styled.append(Text(written + (f" {MARK}" if best else "  "), style="bold" if best else ""))
            if column is main and any(one.differences for one in comparison.rows):
                styled.append(Text(difference_cell(row, column.metric, sign)))
        last = place + 1 == len(comparison.rows) or comparison.rows[place + 1].space != row.space
        table.add_row(*styled, end_section=last)
    return table
