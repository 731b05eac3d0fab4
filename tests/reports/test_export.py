from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from lvm_experiments.reports.collect import collect
from lvm_experiments.reports.comparison import Comparison, compare
from lvm_experiments.reports.comparison_table import show_comparison
from lvm_experiments.reports.export import rows_csv, runs_csv, table_latex, table_markdown
from tests.reports.synthetic import grid, write_sweep


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    root = grid(tmp_path_factory.mktemp("sweep"), ["bernoulli", "discretized_logistic"], [2, 8], 2, pictures=False)
    return compare(collect([root]))


def shown(comparison: Comparison, **options: object) -> str:
    buffer = io.StringIO()
    show_comparison(comparison, Console(file=buffer, **options))  # type: ignore[arg-type]
    return buffer.getvalue()


def test_rows_hold_the_numbers_to_the_last_digit(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(rows_csv(comparison))))
    assert [line["model/likelihood"] for line in lines] == ["bernoulli"] * 2 + ["discretized_logistic"] * 2
    for line, row in zip(lines, comparison.rows, strict=True):
        cell = comparison.cell(row, "nll")
        assert float(line["test/nll"]) == cell.mean
        assert float(line["test/nll sd"]) == cell.deviation
        assert line["test/nll n"] == "2"
        expected = row.differences.get("nll")
        assert line["test/nll difference"] == ("" if expected is None else repr(expected.value))
    assert lines[0]["test/bits_per_dim"] == ""


def test_runs_hold_state_epoch_and_time(comparison: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(runs_csv(comparison))))
    assert len(lines) == 8
    assert (lines[1]["seed"], lines[1]["state"], lines[1]["best epoch"], lines[1]["seconds"]) == (
        "1",
        "completed",
        "11",
        "75.0",
    )
    assert math.isclose(float(lines[1]["test/nll"]), comparison.collection.runs[1].numbers["test/nll"].value)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    runs = [({"k": "=1+1", "seed": 0}, {"state": "failed", "reason": "@SUM(A1)"})]
    lines = list(csv.DictReader(io.StringIO(runs_csv(compare(collect([write_sweep(tmp_path, runs)]))))))
    assert (lines[0]["k"], lines[0]["reason"]) == ("'=1+1", "'@SUM(A1)")


def test_markdown_is_a_table_with_the_best_in_bold(comparison: Comparison) -> None:
    text = table_markdown(comparison)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert len(table) == 2 + 4
    best = [line for line in table if "bernoulli | 8" in line]
    assert best[0].count("**") >= 2
    assert "discretized\\_logistic" in text


def test_latex_is_balanced_and_escaped(comparison: Comparison) -> None:
    text = table_latex(comparison)
    assert "discretized\\_logistic" in text
    assert "\\textbf{" in text
    assert text.count("{") == text.count("}")
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert len(rows) == 5
    assert len({line.count("&") for line in rows}) == 1
    assert "±" not in "".join(rows)


def test_the_terminal_shows_it_whole_where_there_is_no_terminal(comparison: Comparison) -> None:
    text = shown(comparison)
    assert "test/active_units" in text
    header = next(line for line in text.splitlines() if line.startswith("likelihood"))
    assert "latent dim" in header
    assert sum(line.startswith(("bernoulli  ", "discretized_logistic  ")) for line in text.splitlines()) == 4
    assert "* best of its space on validation data" in text
    assert "\x1b" not in text


def test_a_narrow_terminal_shows_what_fits_and_says_what_is_left(comparison: Comparison) -> None:
    text = shown(comparison, width=80, force_terminal=True, color_system=None)
    assert "test/nll" in text
    said = " ".join(text.split())
    assert "active_units, effective_samples: in the files" in said or "active_units: in the files" in said
    assert max(map(len, text.splitlines())) <= 80
