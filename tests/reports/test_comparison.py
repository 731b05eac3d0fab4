from __future__ import annotations

import math
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lvm_experiments.errors import RequestError
from lvm_experiments.reports.answer import answers, outcome
from lvm_experiments.reports.collect import collect
from lvm_experiments.reports.comparison import Comparison, compare
from lvm_experiments.reports.rows import Cell
from tests.reports.synthetic import EXAMPLES, grid, whole_run, write_run, write_sweep

FINITE = st.floats(-1e6, 1e6)


def one(dim: int, seed: int, val: float, test: float, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    numbers = {"val/nll": val, "test/nll": test}
    return {"model.latent_dim": dim, "seed": seed}, {"numbers": numbers, **changes}


def best(comparison: Comparison, metric: str) -> set[str]:
    column = comparison.column(metric)
    assert column is not None
    return {comparison.rows[number].name for number in column.best}


@given(st.lists(FINITE, min_size=1, max_size=12))
def test_mean_and_deviation_are_those_of_the_standard_library(values: list[float]) -> None:
    cell = Cell(tuple(values))
    assert cell.mean == pytest.approx(statistics.fmean(values), rel=1e-12, abs=1e-9)
    if len(values) == 1:
        assert cell.deviation is None
    else:
        assert cell.deviation == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)


@settings(max_examples=25)  # each writes a sweep
@given(
    st.lists(st.tuples(st.sampled_from(["binary (dynamic)", "real", "bytes"]), FINITE, FINITE), min_size=1, max_size=9)
)
def test_ranking_stays_within_a_space_and_follows_validation(found: list[tuple[str, float, float]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        runs = [one(dim, 0, val, test, space=space) for dim, (space, val, test) in enumerate(found)]
        comparison = compare(collect([write_sweep(Path(name) / "s", runs)]))
    column = comparison.column("nll")
    assert column is not None
    for space in {space for space, *_ in found}:
        members = {str(dim): val for dim, (other, val, _) in enumerate(found) if other == space}
        marked = best(comparison, "nll") & members.keys()
        lowest = {dim for dim, val in members.items() if val == min(members.values())}
        assert marked == (lowest if len(members) > 1 and len(lowest) < len(members) else set())
    # Whoever is first in a group has a differing space from every other group's rows.
    spaces = [{comparison.rows[number].space for number in members} for members in comparison.groups.values()]
    assert all(len(space) == 1 for space in spaces)
    assert ("nothing is ranked across them" in " ".join(comparison.notes)) == (len({s for s, *_ in found}) > 1)


def test_validation_ranks_and_test_is_shown(tmp_path: Path) -> None:
    comparison = compare(collect([write_sweep(tmp_path, [one(2, 0, 10.0, 30.0), one(8, 0, 11.0, 20.0)])]))
    assert (comparison.split, best(comparison, "nll")) == ("test", {"2"})
    assert [comparison.cell(row, "nll").mean for row in comparison.rows] == [30.0, 20.0]


def test_without_validation_numbers_nothing_is_ranked(tmp_path: Path) -> None:
    runs = [({"model.latent_dim": dim, "seed": 0}, {"numbers": {"test/nll": float(dim)}}) for dim in (2, 8)]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert (comparison.groups, best(comparison, "nll"), answers(comparison)) == ({}, set(), [])
    assert "nll was not measured on validation data" in " ".join(comparison.notes)


def test_direction_is_the_metrics_own(tmp_path: Path) -> None:
    runs = [
        (
            {"model.latent_dim": dim, "seed": 0},
            {"numbers": {f"{split}/{m}": float(dim) for split in ("val", "test") for m in ("nll", "elbo", "rate")}},
        )
        for dim in (2, 8)
    ]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert [best(comparison, m) for m in ("nll", "elbo", "rate")] == [{"2"}, {"8"}, set()]


@pytest.mark.parametrize(
    "changes",
    [
        {"num_samples": 1000},
        {"examples": 7},
        {"estimator": "importance sampling (soft targets: not a log-likelihood)"},
        {"config": {"data": {"_target_": "a.Mnist"}}},
    ],
    ids=["draws", "examples", "soft targets", "data"],
)
def test_numbers_measured_in_different_ways_are_ranked_apart(changes: dict[str, Any], tmp_path: Path) -> None:
    if "examples" in changes:  # also the name of what is kept per example
        runs = [one(2, 0, 1.0, 1.0), one(8, 0, 2.0, 2.0)]
        root = write_sweep(tmp_path, runs)
        path = root / "8" / "seed-0" / "results.json"
        path.write_text(path.read_text().replace(f'"examples": {EXAMPLES}', '"examples": 7'))
    else:
        root = write_sweep(tmp_path, [one(2, 0, 1.0, 1.0), one(8, 0, 2.0, 2.0, **changes)])
    comparison = compare(collect([root]))
    assert [len(members) for members in comparison.groups.values()] == [1, 1]
    assert best(comparison, "nll") == set()
    assert "ranked apart" in " ".join(comparison.notes)


def test_how_training_goes_through_the_data_does_not_set_numbers_apart(tmp_path: Path) -> None:
    """Also where a run was written before there was a choice."""
    ways = ({"batch_size": 20}, {"batch_size": 100, "shuffle": True}, {"limit": 50, "shuffle": False})
    runs = [
        one(dim, 0, 1.0 * dim, 1.0 * dim, config={"data": {"_target_": "a.Mnist", **way}})
        for dim, way in zip((2, 4, 8), ways, strict=True)
    ]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert list(map(len, comparison.groups.values())) == [3]
    assert best(comparison, "nll") == {"2"}


EXACT = {"num_samples": None, "estimator": "exact, closed form"}


def test_an_exact_number_is_ranked_with_estimates_from_any_number_of_draws(tmp_path: Path) -> None:
    runs = [one(2, 0, 1.0, 1.0, num_samples=1000), one(4, 0, 0.5, 0.5, **EXACT), one(8, 0, 2.0, 2.0, **EXACT)]
    comparison = compare(collect([write_sweep(tmp_path / "one", runs)]))
    assert list(comparison.groups.values()) == [(1, 0, 2)]
    assert best(comparison, "nll") == {"4"}
    (note,) = [note for note in comparison.notes if "Exact numbers" in note]
    assert note.startswith("Exact numbers are ranked with estimates from any number of draws; ")
    # Estimates from other numbers of draws are apart as ever, each beside what is exact.
    runs.append(one(16, 0, 0.1, 0.1, num_samples=100))
    comparison = compare(collect([write_sweep(tmp_path / "two", runs)]))
    assert sorted(comparison.groups.values()) == [(1, 0, 2), (3, 1, 2)]
    assert any("K = 1000" in name for name in comparison.groups)
    # Exact ones of other data are not.
    runs = [one(2, 0, 1.0, 1.0), one(8, 0, 0.5, 0.5, **EXACT, config={"data": {"_target_": "a.Mnist"}})]
    comparison = compare(collect([write_sweep(tmp_path / "three", runs)]))
    assert sorted(map(len, comparison.groups.values())) == [1, 1]
    assert not any("Exact numbers" in note for note in comparison.notes)


def test_exact_numbers_alone_need_no_note(tmp_path: Path) -> None:
    runs = [one(2, 0, 1.0, 1.0, **EXACT), one(8, 0, 0.5, 0.5, **EXACT)]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert best(comparison, "nll") == {"8"}
    assert not any("Exact numbers" in note for note in comparison.notes)


def test_differences_to_the_best_are_paired_over_examples(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    hardness = 20 * generator.normal(size=30)  # common to all runs: it cancels
    kept: dict[tuple[int, int], np.ndarray] = {}
    runs = []
    for dim, better in ((2, 0.0), (8, -1.0)):
        for seed in (0, 1):
            kept[dim, seed] = 100 + hardness + better + 0.3 * generator.normal(size=30)
            order = generator.permutation(30)
            arrays = {"test/index": np.arange(30)[order] * 3, "test/log_evidence": -kept[dim, seed][order]}
            mean = float(kept[dim, seed].mean())
            runs.append(one(dim, seed, mean, mean, examples=arrays))
            runs[-1][1]["num_samples"] = 100
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert best(comparison, "nll") == {"8"}
    row, reference = comparison.rows
    assert (reference.differences, row.reference) == ({}, "8")
    difference = row.differences["nll"]
    a, b = ((kept[dim, 0] + kept[dim, 1]) / 2 for dim in (2, 8))
    test = scipy.stats.ttest_rel(a, b)
    assert difference.value == pytest.approx((a - b).mean())
    assert difference.error == pytest.approx(difference.value / test.statistic)
    assert difference.error == pytest.approx(scipy.stats.sem(a - b))
    by_seed = [(kept[2, s] - kept[8, s]).mean() for s in (0, 1)]
    assert difference.seed_error == pytest.approx(scipy.stats.sem(by_seed))
    assert (difference.examples, difference.seeds, difference.clear) == (30, 2, True)
    assert difference.error < scipy.stats.sem(a) / 10


def test_only_common_examples_and_common_seeds_are_paired(tmp_path: Path) -> None:
    def arrays(first: int, value: float) -> dict[str, Any]:
        index = np.arange(first, first + 10)
        return {"test/index": index, "test/log_evidence": -(index + value)}

    runs = [
        one(2, 0, 1.0, 1.0, examples=arrays(0, 0.0)),
        one(2, 1, 1.0, 1.0, examples=arrays(0, 500.0)),  # has no partner
        one(8, 0, 9.0, 9.0, examples=arrays(6, 3.0)),
    ]
    difference = compare(collect([write_sweep(tmp_path, runs)])).rows[1].differences["nll"]
    assert (difference.value, difference.examples, difference.seeds) == (pytest.approx(3.0), 4, 1)
    assert difference.error == pytest.approx(0.0)
    assert difference.seed_error is None


@pytest.mark.parametrize("damage", ["missing", "torn", "other examples"])
def test_without_common_examples_there_is_no_difference(damage: str, tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli"], [2, 8], 1, pictures=False)
    path = root / "bernoulli_2" / "seed-0" / "examples.npz"
    if damage == "missing":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:200])
    else:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
        np.savez(path, **{**arrays, "test/index": arrays["test/index"] + 1000})
    comparison = compare(collect([root]))
    assert all(row.differences == {} for row in comparison.rows)
    assert "not kept for pairing" in str(answers(comparison)[0])


def test_a_baseline_is_named_as_in_the_table(tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli", "gaussian"], [2, 8], 1, pictures=False)
    for name in ("bernoulli 2", "bernoulli_2", "bernoulli,2"):
        rows = {row.name: row for row in compare(collect([root]), baseline=name).rows}
        assert {name: row.reference for name, row in rows.items()} == {
            "bernoulli 2": "",
            "bernoulli 8": "bernoulli 2",
            "gaussian 2": "",  # of another space
            "gaussian 8": "",
        }
    with pytest.raises(RequestError, match="no row is called 'bernouli 2'; did you mean 'bernoulli 2'"):
        compare(collect([root]), baseline="bernouli 2")


def test_a_metric_that_ranks_has_to_be_there_and_have_a_direction(tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli"], [2, 8], 1, pictures=False)
    main = compare(collect([root]), metric="test/elbo").main
    assert main is not None
    assert main.metric == "elbo"
    with pytest.raises(RequestError, match="no run measured 'elboo'; did you mean elbo"):
        compare(collect([root]), metric="elboo")
    with pytest.raises(RequestError, match="rate is better neither high nor low"):
        compare(collect([root]), metric="rate")


def test_what_is_not_finite_is_left_out_told_and_not_ranked(tmp_path: Path) -> None:
    runs = [
        one(2, 0, 1.0, math.nan),
        one(2, 1, 1.0, 5.0),
        one(8, 0, math.inf, 3.0),
        one(32, 0, 9.0, 9.0),
        one(64, 0, 8.0, 8.0),
    ]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    cell = comparison.cell(comparison.rows[0], "nll")
    assert (cell.mean, cell.n, cell.not_finite) == (5.0, 1, 1)
    assert best(comparison, "nll") == {"64"}
    assert "not finite, left out of means and not ranked: 2, 8." in " ".join(comparison.notes)


def test_states_and_reasons_are_counted_and_told(tmp_path: Path) -> None:
    runs = [
        one(2, 0, 1.0, 1.0),
        ({"model.latent_dim": 2, "seed": 1}, {"state": "failed", "reason": "out of\nmemory"}),
        ({"model.latent_dim": 8, "seed": 0}, {"state": "queued"}),
        ({"model.latent_dim": 8, "seed": 1}, {"state": "refused", "reason": "no such data"}),
    ]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    assert [(row.name, row.completed, row.failed, len(row.runs)) for row in comparison.rows] == [
        ("2", 1, 1, 2),
        ("8", 0, 1, 2),
    ]
    assert comparison.collection.counts == {"completed": 1, "failed": 1, "queued": 1, "refused": 1}
    text = outcome(comparison)
    assert text.startswith("1 of 4 runs completed; 1 failed, 1 queued, 1 refused.")
    assert "2/seed-1: out of memory; 8/seed-1: no such data" in text
    assert "One run each" in " ".join(comparison.notes)


def test_metrics_missing_in_some_runs_are_gaps(tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli", "gaussian"], [2, 8], 2, pictures=False)
    comparison = compare(collect([root]))
    counts = {row.name: comparison.cell(row, "bits_per_dim").n for row in comparison.rows}
    assert counts == {"bernoulli 2": 0, "bernoulli 8": 0, "gaussian 2": 2, "gaussian 8": 2}


def test_a_run_that_goes_on_shows_no_old_numbers(tmp_path: Path) -> None:
    run = whole_run("bernoulli", 2, 0, pictures=False)
    write_run(tmp_path / "a", **{**run, "state": "interrupted"})
    (found,) = collect([tmp_path]).runs
    assert (found.completed, found.numbers) == (False, {})


def test_answers_say_what_cannot_be_told_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    runs = []
    for dim, value in ((2, 10.0), (8, 10.001)):
        each = value + generator.normal(size=20)
        runs.append(one(dim, 0, value, value, examples={"test/index": np.arange(20), "test/log_evidence": -each}))
    (answer,) = answers(compare(collect([write_sweep(tmp_path, runs)])))
    assert answer.row == "2"
    assert "It cannot be told apart from the next, 8" in str(answer)
