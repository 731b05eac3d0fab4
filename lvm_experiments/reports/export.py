"""A comparison as files: CSV for programs, Markdown and LaTeX for people."""

from __future__ import annotations

__all__ = ["rows_csv", "runs_csv", "table_latex", "table_markdown"]

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from lvm_experiments.reports.answer import answers, outcome, title
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.comparison_table import difference_cell, number
from lvm_experiments.reports.rows import Column, spoken, text

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "±": r"$\pm$",
        "—": "---",
        "−": "$-$",
    }
)


def rows_csv(comparison: Comparison) -> str:
    """A row per point: of every metric of every split mean, sd and n, and of what is paired the difference."""
    names = list(dict.fromkeys(name for row in comparison.rows for name in row.cells))
    paired = list(dict.fromkeys(name for row in comparison.rows for name in row.differences))
    header = [*comparison.keys, "space", "runs", "completed", "failed", "best"]
    header += [f"{name}{end}" for name in names for end in ("", " sd", " n", " not finite")]
    ends = ("", " se examples", " se seeds")
    header += [f"{comparison.split}/{name} difference{end}" for name in paired for end in ends]
    lines: list[list[Any]] = []
    for place, row in enumerate(comparison.rows):
        best = " ".join(column.metric for column in comparison.columns if place in column.best)
        line: list[Any] = [*(_word(text(row.point.get(key))) for key in comparison.keys), _word(row.space)]
        line += [len(row.runs), row.completed, row.failed, best]
        for name in names:
            cell = row.cells.get(name)
            line += (
                ["", "", "", ""]
                if cell is None
                else [_float(cell.mean), _float(cell.deviation), cell.n, cell.not_finite]
            )
        for name in paired:
            one = row.differences.get(name)
            line += ["", "", ""] if one is None else [_float(one.value), _float(one.error), _float(one.seed_error)]
        lines.append(line)
    return _csv(header, lines)


def runs_csv(comparison: Comparison) -> str:
    """A row per run: its point and seed, how it ended, and its numbers."""
    runs = comparison.collection.runs
    names = list(dict.fromkeys(name for run in runs for name in run.numbers))
    header = ["folder", *comparison.keys, "seed", "state", "reason", "best epoch", "seconds", "commit", "space", *names]
    lines: list[list[Any]] = []
    for run in runs:
        line: list[Any] = [_word(run.name), *(_word(text(run.point.get(key))) for key in comparison.keys)]
        line += ["" if run.seed is None else run.seed, run.state, _word(run.reason)]
        line.append("" if run.best_epoch is None else run.best_epoch)
        space = next((one.space for one in run.numbers.values()), "")
        line += [_float(run.seconds), run.commit, _word(space)]
        lines.append([*line, *(_float(run.numbers[name].value) if name in run.numbers else "" for name in names)])
    return _csv(header, lines)


def table_markdown(comparison: Comparison) -> str:
    """The table with its answers and notes; the best in bold."""
    header, lines, right = _grid(comparison)
    parts = [f"# {_escaped(comparison.collection.title)}", _escaped(comparison.collection.question)]
    parts += [f"**{_escaped(answer.space)}**: {_escaped(str(answer))}" for answer in answers(comparison)]
    parts.append(_escaped(outcome(comparison)))
    rule = ["---:" if at_right else "---" for at_right in right]
    rows = [[_escaped(name) for name in header], rule]
    rows += [[f"**{_escaped(cell)}**" if best else _escaped(cell) for cell, best in line] for line in lines]
    parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    parts.append(_caption(comparison))
    parts += [_escaped(note) for note in comparison.notes]
    return "\n\n".join(part for part in parts if part) + "\n"


def table_latex(comparison: Comparison) -> str:
    """The table for booktabs; the best in bold, a rule between spaces."""
    header, lines, right = _grid(comparison)
    out = [
        "% needs \\usepackage{booktabs}",
        *(f"% {' '.join(note.split())}" for note in (*comparison.notes, _caption(comparison))),
        f"\\begin{{tabular}}{{{''.join('r' if at_right else 'l' for at_right in right)}}}",
        "\\toprule",
        " & ".join(name.translate(_LATEX) for name in header) + r" \\",
        "\\midrule",
    ]
    for place, line in enumerate(lines):
        if place and comparison.rows[place].space != comparison.rows[place - 1].space:
            out.append("\\addlinespace")
        cells = (c.translate(_LATEX) for c, _ in line)
        bold = (f"\\textbf{{{c}}}" if best else c for c, (_, best) in zip(cells, line, strict=True))
        out.append(" & ".join(bold) + r" \\")
    return "\n".join([*out, "\\bottomrule", "\\end{tabular}", ""])


Grid = tuple[list[str], list[list[tuple[str, bool]]], list[bool]]


def _grid(comparison: Comparison) -> Grid:
    """Header, cells with whether each is best, and which columns are of numbers."""
    names = spoken(comparison.keys)
    several, main = len(comparison.spaces) > 1, comparison.main
    differs = main is not None and any(row.differences for row in comparison.rows)
    header = [names[key] for key in comparison.keys] + (["space"] if several else []) + ["n", "failed"]
    right = [False] * (len(header) - 2) + [True, True]
    for column in comparison.columns:
        header.append(_heading(comparison, column))
        if differs and column is main:
            header.append(f"difference ({column.unit})")
    right += [True] * (len(header) - len(right))
    lines = []
    for place, row in enumerate(comparison.rows):
        line = [(text(row.point.get(key)), False) for key in comparison.keys]
        line += [(row.space, False)] if several else []
        line += [(str(row.completed), False), (str(row.failed or ""), False)]
        for column in comparison.columns:
            cell = comparison.cell(row, column.metric)
            written = number(cell.mean, cell.deviation) if cell.n else "not finite" if cell.not_finite else ""
            line.append((written, place in column.best))
            if differs and column is main:
                line.append((difference_cell(row, column.metric), False))
        lines.append(line)
    return header, lines, right


def _heading(comparison: Comparison, column: Column) -> str:
    unit = "" if column.unit in ("", column.metric) else f" ({column.unit})"
    return f"{comparison.split} {title(column.metric)}{unit}"


def _caption(comparison: Comparison) -> str:
    words = f"Mean ± standard deviation over seeds on {comparison.split} data; n runs are completed."
    if any(column.best for column in comparison.columns):
        words += " Bold: best of its observation space on validation data."
    if any(row.differences for row in comparison.rows):
        words += " Differences are to the best row of the space, or to the one asked for, ± paired standard error."
    return words


def _escaped(words: str) -> str:
    for letter in "\\`*_[]<>|#":
        words = words.replace(letter, "\\" + letter)
    return " ".join(words.split())


def _word(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "@", "\t", "\r") else cell


def _float(value: float | None) -> str:
    if value is None:
        return ""
    return repr(float(value)) if math.isfinite(value) else str(value)


def _csv(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return buffer.getvalue()
