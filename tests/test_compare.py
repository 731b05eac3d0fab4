"""The command: what it is given, what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lvm_experiments.compare import main
from lvm_experiments.reports.write import FILES
from lvm_experiments.runs.files import write_json
from lvm_experiments.runs.folder import RunFolder
from lvm_experiments.runs.status import Status
from tests.reports.synthetic import grid, write_sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    return grid(tmp_path / "sweep", ["bernoulli", "gaussian"], [2, 8], 2, pictures=False)


def test_tables_and_report_lie_in_the_sweep(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep)]) == 0
    assert {path.name for path in (sweep / "comparison").iterdir()} == set(FILES)
    said = capsys.readouterr()
    assert said.err == ""
    assert "bernoulli 8 has the lowest validation NLL of 2 rows" in said.out
    assert "report.html" in said.out
    # What it wrote is no run of the sweep.
    assert main([str(sweep)]) == 0
    assert "All 8 runs completed." in capsys.readouterr().out


def test_words_choose_folder_metric_and_baseline(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(sweep), f"out={tmp_path / 'elsewhere'}", "metric=elbo", "baseline=bernoulli_2", "pictures=0"]
    assert main(words) == 0
    assert (tmp_path / "elsewhere" / "report.html").is_file()
    assert not (sweep / "comparison").exists()
    out = capsys.readouterr().out
    assert "highest validation ELBO" in out


def test_a_folder_with_an_equals_sign_is_a_folder(sweep: Path, tmp_path: Path) -> None:
    odd = sweep.rename(tmp_path / "beta=4, x")
    assert main([str(odd)]) == 0
    assert (odd / "comparison" / "table.csv").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no folder is given; python -m lvm_experiments.compare DIR..."),
        (["no/such/folder"], "there is no such folder"),
        (["{empty}"], "holds no run"),
        (["{sweep}", "metrik=nll"], "did you mean metric"),
        (["{sweep}", "metric=nl"], "did you mean nll"),
        (["{sweep}", "baseline=student"], "no row is called 'student'"),
        (["{sweep}", "interval=0"], "interval"),
        (["{sweep}", "--wacth"], "no flag --wacth"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(
    words: list[str], message: str, sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    given = [word.format(sweep=sweep, empty=tmp_path / "empty") for word in words]
    assert main(given) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert message in said.err
    assert not (sweep / "comparison").exists()


def test_failed_runs_and_no_completed_run_are_no_wrong_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        ({"model.latent_dim": 2, "seed": 0}, {"state": "failed", "reason": "out of memory"}),
        ({"model.latent_dim": 8, "seed": 0}, {"state": "queued"}),
    ]
    assert main([str(write_sweep(tmp_path / "s", runs))]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "No run has completed yet: 1 failed, 1 queued. Failed: 2/seed-0: out of memory." in first


def test_watching_ends_when_nothing_runs(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), "--watch", "interval=0.05"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("8 completed\n")
    assert "data-reload" not in (sweep / "comparison" / "report.html").read_text()


def test_watching_follows_a_run_to_its_end(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads((sweep / "sweep.json").read_text())
    point = {"model/likelihood": "bernoulli", "model.latent_dim": 32, "seed": 0}
    content["jobs"].append({"folder": "bernoulli_32/seed-0", "point": point})
    write_json(sweep / "sweep.json", content)
    report, folder = sweep / "comparison" / "report.html", RunFolder(sweep / "bernoulli_32" / "seed-0")
    live = []

    def run() -> None:
        with Status(folder):
            end = time.monotonic() + 20
            while time.monotonic() < end and not (report.exists() and 'data-reload="0.1"' in report.read_text()):
                time.sleep(0.02)
            live.append("1 running" in report.read_text())

    thread = threading.Thread(target=run)
    thread.start()
    while not folder.status.exists():
        time.sleep(0.01)
    assert main([str(sweep), "watch=true", "interval=0.1"]) == 0
    thread.join()
    assert live == [True]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["8 completed, 1 running", "9 completed"]
    assert "data-reload" not in report.read_text()


def test_it_imports_neither_torch_nor_matplotlib(sweep: Path) -> None:
    code = (
        "import sys; from lvm_experiments.compare import main; code = main(sys.argv[1:]);"
        "print(*sorted({'torch', 'matplotlib', 'pandas', 'pytorch_lightning', 'wandb'} & set(sys.modules)));"
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(sweep)], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""


def test_help_shows_the_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "baseline: null" in capsys.readouterr().out
