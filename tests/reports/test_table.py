from __future__ import annotations

import dataclasses
import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from lvm_experiments.evaluation import METRICS, Measurement
from lvm_experiments.reports import show_files, show_measurements, show_results
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.results import write_results


def measured(name: str, value: float, **fields: object) -> Measurement:
    given = {
        "unit": METRICS[name.rpartition("/")[2]].unit,
        "estimator": "importance sampling, K = 1000, posterior as proposal",
        "num_samples": 1000,
        "split": name.partition("/")[0],
        "examples": 10000,
        "space": "unit, 256 levels dequantised",
        "standard_error": 0.3456,
        "monte_carlo_error": 0.0123,
        "higher_is_better": METRICS[name.rpartition("/")[2]].higher_is_better,
    }
    return Measurement(name=name, value=value, **(given | fields))  # type: ignore[arg-type]


NLL = measured("test/nll", 98.76543)
UNITS = measured(
    "test/active_units", 12, estimator="variance", num_samples=None, standard_error=None, monte_carlo_error=None
)


def printed(function: object, *arguments: object, width: int = 80, encoding: str = "utf-8", **fields: object) -> str:
    buffer = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=buffer, width=width, legacy_windows=False)
    function(*arguments, console=console, **fields)  # type: ignore[operator]
    buffer.flush()
    return buffer.buffer.getvalue().decode(encoding)


def test_a_row_tells_all_of_a_number() -> None:
    text = printed(show_measurements, [NLL, UNITS])
    row = next(line for line in text.splitlines() if line.startswith("test/nll"))
    assert row.split() == ["test/nll", "98.77", "±", "0.35", "nats", "±", "0.012", "1000", "10000"]
    row = next(line for line in text.splitlines() if line.startswith("test/active_units"))
    assert row.split() == ["test/active_units", "12", "units", "10000"]
    header = text.splitlines()[0].split()
    assert header == ["metric", "value", "±", "s.e.", "unit", "MC", "error", "K", "N"]
    assert "nll: importance sampling, posterior as proposal" in text  # K has its column
    assert "active_units: variance" in text
    assert text.count("unit, 256 levels dequantised") == 1


def test_every_metric_fits_into_80_columns() -> None:
    text = printed(show_measurements, [measured(f"test/{name}", -12345.678, num_samples=5000) for name in METRICS])
    assert max(map(len, text.splitlines())) <= 80
    rows = text.split("\n\n")[0].splitlines()
    assert {row.split()[0] for row in rows} >= {f"test/{name}" for name in METRICS}
    assert sum("-12345.68 ± 0.35" in row for row in rows) == len(METRICS)


def test_plain_where_there_is_no_terminal() -> None:
    assert "\x1b" not in printed(show_measurements, [NLL])
    assert "±" not in printed(show_measurements, [NLL], encoding="ascii")
    assert "98.77 +- 0.35" in printed(show_measurements, [NLL], encoding="ascii")


def test_records_of_a_file_look_like_measurements(tmp_path: Path) -> None:
    infinite = measured("val/nll", math.inf, standard_error=math.nan, monte_carlo_error=None)
    both = [NLL, infinite]
    write_results(tmp_path / "results.json", both, {"latent_dim": 2})
    content = json.loads((tmp_path / "results.json").read_text())
    text = printed(show_measurements, both)
    assert "inf" in text
    assert printed(show_measurements, [dataclasses.asdict(m) for m in both]) == text
    assert printed(show_measurements, content) == text
    assert printed(show_measurements, content["measurements"]) == text


def test_nothing_measured_nothing_shown() -> None:
    assert printed(show_measurements, []) == ""


def test_paths_are_never_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    long = tmp_path / ("a" * 70) / ("b" * 70) / "[red]file[1].npz"
    assert printed(show_files, [long, tmp_path / "x.npz"]).splitlines() == [
        f"{'a' * 70}/{'b' * 70}/[red]file[1].npz",
        "x.npz",
    ]
    assert printed(show_measurements, [NLL], files=[long]).splitlines()[-1].endswith("[red]file[1].npz")


def test_results_say_where_the_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path / "outputs" / "runs" / "a_run")
    folder.create()
    folder.results.touch()
    folder.best.touch()
    folder.figures.mkdir()
    for name in ("samples", "manifold"):
        (folder.figures / f"{name}.png").touch()
    lines = printed(show_results, [NLL], folder).splitlines()
    start = lines.index("Files in outputs/runs/a_run")
    named = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[start + 1 :]}
    assert named.keys() == {"results.json", "checkpoints/best.ckpt", "figures"}  # and nothing that is not there
    assert named["figures"] == "manifold, samples"
    assert any(line.startswith("test/nll") for line in lines[:start])
