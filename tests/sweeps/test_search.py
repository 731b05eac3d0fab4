"""The search with Optuna: what may be asked, what survives, what a failure costs."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from lvm_experiments.callbacks.pruning import open_storage
from lvm_experiments.configuration import ConfigTree
from lvm_experiments.configuration.command_line import read_command_line
from lvm_experiments.errors import RequestError
from lvm_experiments.runs import RunFolder
from lvm_experiments.sweeps.search import search
from lvm_experiments.sweeps.search_plan import SearchPlan, make_search_plan
from lvm_experiments.sweeps.search_space import dimension

optuna = pytest.importorskip("optuna")

from tests.support import forked  # noqa: E402 - needs it

TINY = (
    "hparams_search=optuna", "trainer=cpu", "trainer.max_epochs=3", "data.limit=160", "data.batch_size=32",
    "model.encoder.hidden=[8]", "model.decoder.hidden=[8]", "model.latent_dim=2", "callbacks.summary=null",
    "callbacks.progress=null", "evaluation.num_samples=2", "evaluation.chunk=2", "evaluation.max_examples=8",
    "sweep.name=s",
)  # fmt: skip
LR = "optimizer.lr=tag(log,interval(1e-4,1e-2))"


def plan(*words: str) -> SearchPlan:
    return make_search_plan([*TINY, *words], "config", ConfigTree.default())


def read(word: str) -> Any:
    return dimension(word, ConfigTree.default(), lambda word: "." not in word.partition("=")[2])


def study(folder: Path) -> Any:
    return optuna.load_study(study_name="search", storage=open_storage(folder / "study.db", exists=True))


def run(*words: str) -> int:
    """The command, its jobs forked from this process, one after the other."""
    return search(read_command_line([*TINY, *forked.WORDS, *words]), ConfigTree.default())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "outputs" / "sweeps" / "s"


# ---- what may be asked


@pytest.mark.parametrize(
    ("word", "kind", "low", "high", "step", "log"),
    [
        ("a=interval(2,32)", "int", 2, 32, None, False),
        ("a=interval(2.5,32)", "float", 2.5, 32, None, False),
        ("a=int(interval(2,32))", "int", 2, 32, None, False),
        ("a=tag(log,interval(1e-4,1e-2))", "float", 1e-4, 1e-2, None, True),
        ("a=tag(log,int(interval(1,64)))", "int", 1, 64, None, True),
        ("a=range(2,9)", "int", 2, 8, 1, False),
        ("a=range(2,10,3)", "int", 2, 8, 3, False),
        ("a=range(2,11,3)", "int", 2, 8, 3, False),
        ("a=range(9,2,-3)", "int", 3, 9, 3, False),
        ("a=range(0.5,2,0.5)", "float", 0.5, 1.5, 0.5, False),
    ],
)
def test_words_of_the_grammar(word: str, kind: str, low: float, high: float, step: float | None, log: bool) -> None:  # noqa: FBT001
    found = read(word)
    assert (found.key, found.kind, found.low, found.high, found.step, found.log) == ("a", kind, low, high, step, log)


def test_choices_are_kept_as_they_are_written() -> None:
    assert read("a=x,1,null").choices == ("x", "1", "null")
    assert read("a=[1,2],[3]").choices == ("[1,2]", "[3]")
    assert set(read("model/likelihood=glob(gaussian*)").choices) >= {"gaussian", "gaussian_fixed"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("a=1", "nothing to search over"),
        ("a=interval(3,2)", "empty"),
        ("a=range(3,2)", "empty"),
        ("a=tag(log,interval(0,1))", "logarithmic"),
        ("model/likelihood=glob(nothing*)", "nothing to choose from"),
    ],
)
def test_wrong_words(word: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(word)


def test_an_interval_is_whole_where_the_key_is() -> None:
    dims = {one.key: one for one in plan("model.latent_dim=interval(2,32)", "optimizer.lr=interval(0,1)").space}
    assert (dims["model.latent_dim"].kind, dims["optimizer.lr"].kind) == ("int", "float")


def test_the_command_line_has_the_last_word() -> None:
    words = [*(word for word in TINY if word != "model.latent_dim=2"), "model.latent_dim=2,4"]
    found = make_search_plan(words, "config", ConfigTree.default())
    assert [one.key for one in found.space] == ["optimizer.lr", "model.latent_dim"]  # the files' own first
    found = make_search_plan([*words, "optimizer.lr=1e-3"], "config", ConfigTree.default())
    assert [one.key for one in found.space] == ["model.latent_dim"]
    with pytest.raises(RequestError, match="no values to search over"):
        plan("optimizer.lr=1e-3")


def test_direction_and_metric_come_from_the_objective() -> None:
    assert (plan().monitor, plan().maximise) == ("val/elbo", True)
    assert plan("objective=iwae").monitor == "val/iw_elbo"
    with pytest.raises(RequestError, match=r"judged by val/elbo and val/iw_elbo"):
        plan("objective=elbo,iwae")
    assert plan("objective=elbo,iwae", "monitor=val/elbo").monitor == "val/elbo"
    with pytest.raises(RequestError, match="neither a high nor a low val/rate"):
        plan("monitor=val/rate")


def test_numbers_of_different_spaces_are_not_ranked() -> None:
    with pytest.raises(RequestError, match="different scales"):
        plan("model/likelihood=bernoulli,gaussian")
    assert plan("model/likelihood=gaussian,gaussian_fixed").space[-1].choices == ("gaussian", "gaussian_fixed")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("hparams_search.n_trials=0", r"hparams_search\.n_trials"),
        ("hparams_search.sampler=tpee", r"hparams_search\.sampler"),
        ("hparams_search.n_trails=3", "n_trials"),
        ("model.latnt_dim=interval(1,2)", "latent_dim"),
        ("optimizer.lr=choice(1e-3,fast)", r"optimizer\.lr"),
    ],
)
def test_a_wrong_request_costs_nothing(word: str, message: str, root: Path) -> None:
    with pytest.raises(RequestError, match=message):
        run(word)
    assert not root.exists()


# ---- what becomes of trials


def test_failures_and_pruning_cost_one_trial_each(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("optimizer.lr=choice(1e-2,1e-7,1e30)", "hparams_search.startup_trials=1", "hparams_search.warmup_epochs=0")
    words += ("hparams_search.sampler=random", "hparams_search.seed=2")
    assert run(*words, "hparams_search.n_trials=5") == 0
    trials = study(root).trials
    states = {(trial.params["optimizer.lr"], trial.state.name) for trial in trials}
    # The first to complete cannot be pruned, a loss that is no number fails, what is worse than the others is pruned.
    assert states >= {("0.01", "COMPLETE"), ("1e+30", "FAIL"), ("1e-07", "PRUNED")}, states
    out = capsys.readouterr().out
    assert "not a finite number" in out
    assert "pruned after epoch" in out
    for trial in trials:
        folder = RunFolder(root / f"trial-{trial.number:04d}")
        state = json.loads(folder.status.read_text())["state"]
        assert state == {"COMPLETE": "completed", "FAIL": "failed", "PRUNED": "interrupted"}[trial.state.name]
        assert folder.results.exists() == (state == "completed")
        config = folder.read_config()
        lr = float(trial.params["optimizer.lr"])
        assert config["optimizer"]["lr"] == lr
        assert (config["sweep"]["name"], config["sweep"]["point"]) == ("s", {"optimizer.lr": lr})
        if state != "completed":
            continue
        with folder.metrics.open() as file:
            rows = [float(row["val/elbo"]) for row in csv.DictReader(file) if row["epoch"] and row["val/elbo"]]
        assert len(rows) == 3
        assert trial.value == max(rows)
    record = json.loads((root / "sweep.json").read_text())
    assert record["swept"] == ["optimizer.lr"]
    assert [job["folder"] for job in record["jobs"]] == [f"trial-{number:04d}" for number in range(5)]

    # The same command has nothing left to do; with a larger number it goes on; another search is refused.
    assert run(*words, "hparams_search.n_trials=5") == 0
    assert len(study(root).trials) == 5
    assert run(*words, "hparams_search.n_trials=6") == 0
    assert [trial.number for trial in study(root).trials] == list(range(6))
    with pytest.raises(RequestError, match=r"another search: words"):
        run(*words, "hparams_search.n_trials=6", "seed=1")


def test_exit_code_where_nothing_was_completed(root: Path) -> None:
    assert run("optimizer.lr=choice(1e30,1e31)", "hparams_search.n_trials=2") == 1
    assert {trial.state.name for trial in study(root).trials} == {"FAIL"}


def test_killed_anywhere_it_goes_on_to_the_same_trials(tmp_path: Path) -> None:
    """SIGKILL to the whole process group at random moments, then the same command again."""
    words = [*TINY, *forked.WORDS, LR, "model.latent_dim=interval(2,6)", "hparams_search.n_trials=3"]
    words = [word for word in [*words, "hparams_search.warmup_epochs=1"] if word != "model.latent_dim=2"]
    words += ["hparams_search.startup_trials=1", "callbacks.checkpoint.every_n_train_steps=2"]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lvm_experiments", "tests.support.forked"])

    def start(name: str) -> Any:
        root = [f"paths.root={tmp_path / name}"]
        process = context.Process(target=forked.run_in_group, args=([*words, *root], tmp_path / f"{name}.log"))
        process.start()
        return process

    undisturbed = start("undisturbed")
    undisturbed.join(120)
    seconds = _seconds(tmp_path / "undisturbed")
    generator, kills = random.Random(1), 0
    while True:
        process = start("killed")
        process.join(generator.uniform(0.25, 0.5) * seconds if kills < 3 else 120)
        if process.exitcode is not None:
            break
        with suppress(ProcessLookupError):  # it has no group of its own yet
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        kills += 1
    assert process.exitcode == 0, (tmp_path / "killed.log").read_text()
    assert kills >= 2
    expected, found = (study(tmp_path / name / "sweeps" / "s").trials for name in ("undisturbed", "killed"))
    assert len({str(trial.params) for trial in expected}) == 3  # no two alike
    assert [trial.state.name for trial in found] == [trial.state.name for trial in expected]
    assert [trial.params for trial in found] == [trial.params for trial in expected]
    assert [trial.intermediate_values for trial in found] == [trial.intermediate_values for trial in expected]
    for number in range(3):
        files = [tmp_path / name / f"sweeps/s/trial-{number:04d}/results.json" for name in ("undisturbed", "killed")]
        assert files[0].exists() == files[1].exists()
        assert not files[0].exists() or files[0].read_bytes() == files[1].read_bytes()


def _seconds(root: Path) -> float:
    """How long a search took."""
    return (
        max(path.stat().st_mtime for path in root.rglob("*")) - (root / "sweeps" / "s" / ".search.lock").stat().st_ctime
    )


def test_one_search_at_a_time(root: Path) -> None:
    lock = f"FolderLock(Path({str(root / '.search.lock')!r})).acquire()"
    names = "import time; from pathlib import Path; from lvm_experiments.runs.lock import FolderLock"
    code = f"{names}; assert {lock}; print(1, flush=True); time.sleep(60)"
    root.mkdir(parents=True)
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    try:
        with pytest.raises(RequestError, match="another process searches here"):
            run(LR)
    finally:
        other.kill()
        other.wait()


def test_trials_are_run_as_the_jobs_of_a_sweep_are(sweeps: Any) -> None:
    """The real program: two at a time, a limit of time, want of memory told from other failures."""
    words = ["hparams_search=optuna", "optimizer.lr=1e-3", "data.mood=choice(good,eats,hangs)", "sweep.timeout=8"]
    words += [
        "hparams_search.sampler=random",
        "hparams_search.slots=2",
        "hparams_search.n_trials=3",
        "hparams_search.seed=4",
    ]
    code, said = sweeps.run(*words, "sweep.dry_run=true")
    assert (code, sweeps.path.exists()) == (0, False)
    assert "3 trials, 2 at a time, val/elbo maximised; nothing was run" in said
    code, said = sweeps.run(*words)
    assert code == 0, said
    found = {(trial.params["data.mood"], trial.state.name) for trial in study(sweeps.path).trials}
    assert found == {("good", "COMPLETE"), ("eats", "FAIL"), ("hangs", "FAIL")}
    told = {facts["reason"] and facts["reason"][:20] for facts in sweeps.statuses().values()}
    assert told == {None, "out of memory: Runti", "timed out after 8 s"}
    begun = [(facts["started"], facts["finished"]) for facts in sweeps.statuses().values()]
    assert any(a < d and c < b for (a, b), (c, d) in combinations(begun, 2))  # at once
