from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvm_experiments.errors import RequestError
from lvm_experiments.reports.collect import beyond_sweep, collect
from lvm_experiments.reports.difference import difference, differing_keys
from tests.reports.synthetic import grid, whole_run, write_run, write_sweep


def test_a_sweep_tells_its_points_in_its_order(tmp_path: Path) -> None:
    root = grid(tmp_path / "s", ["gaussian", "bernoulli"], [8, 2], 2, pictures=False)
    found = collect([root])
    assert (found.title, found.question) == ("s", "Which likelihood & how many dimensions?")
    assert (found.keys, found.fixed) == (("model/likelihood", "model.latent_dim"), ("trainer=cpu",))
    assert [(*run.point.values(), run.seed) for run in found.runs][:3] == [
        ("gaussian", 8, 0),
        ("gaussian", 8, 1),
        ("gaussian", 2, 0),
    ]
    run = found.runs[0]
    assert (run.name, run.state, run.seconds) == ("gaussian_8/seed-0", "completed", 75.0)
    assert run.commit == "aaaaaaaaaa + bbbbbbbb"
    assert run.best_epoch == 11
    assert run.history["val/elbo"][0] == (1.0, -100.0)


def test_the_best_epoch_is_that_of_the_monitor_though_no_final_number_has_it(tmp_path: Path) -> None:
    config = {"seed": 0, "monitor": "val/iw_elbo"}
    write_run(tmp_path / "r", config=config, state="running")
    rows = ["epoch,step,val/elbo,val/iw_elbo,val/mine", "0,1,-3,-9,1", "1,2,-2,-7,2", "2,3,-1,-8,3"]
    (tmp_path / "r" / "metrics.csv").write_text("\n".join(rows) + "\n")
    (run,) = collect([tmp_path]).runs
    assert run.best_epoch == 2
    write_run(tmp_path / "r", config={**config, "callbacks": {"checkpoint": {"latest": True}}}, state="running")
    (tmp_path / "r" / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert collect([tmp_path]).runs[0].best_epoch == 3  # the last state is the one that was measured
    write_run(tmp_path / "r", config={**config, "monitor": "val/mine"}, state="running")
    (tmp_path / "r" / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert collect([tmp_path]).runs[0].best_epoch is None  # nobody says which way is better


def test_jobs_that_have_not_started_are_queued(tmp_path: Path) -> None:
    root = write_sweep(tmp_path, [({"model.latent_dim": 2, "seed": 0}, whole_run("bernoulli", 2, 0, pictures=False))])
    sweep = json.loads((root / "sweep.json").read_text())
    sweep["jobs"].append({"folder": "8/seed-0", "point": {"model.latent_dim": 8, "seed": 0}})
    (root / "sweep.json").write_text(json.dumps(sweep))
    assert [run.state for run in collect([root]).runs] == ["completed", "queued"]


def test_without_a_sweep_the_keys_are_what_differs(tmp_path: Path) -> None:
    for number, (dim, lr, seed) in enumerate([(2, 0.1, 0), (2, 0.1, 1), (8, 0.2, 0)]):
        config = {"seed": seed, "name": f"n{number}", "model": {"latent_dim": dim}, "optimizer": {"lr": lr}}
        write_run(tmp_path / "runs" / f"r{number}", {"test/nll": 1.0}, config=config)
    found = collect([tmp_path])
    assert found.keys == ("model.latent_dim", "optimizer.lr")
    assert [(dict(run.point), run.seed, run.name) for run in found.runs] == [
        ({"model.latent_dim": 2, "optimizer.lr": 0.1}, 0, "runs/r0"),
        ({"model.latent_dim": 2, "optimizer.lr": 0.1}, 1, "runs/r1"),
        ({"model.latent_dim": 8, "optimizer.lr": 0.2}, 0, "runs/r2"),
    ]


def test_parts_are_named_as_options() -> None:
    gaussian = {"_target_": "lvm_experiments.likelihoods.BernoulliLikelihood", "_partial_": True}
    other = {"_target_": "somewhere.Strange", "_partial_": True, "a": 1}
    observations = [{"_target_": "a.Binary"}, {"_target_": "a.Real"}]
    configs = [
        {"model": {"likelihood": part}, "observation": o}
        for part, o in zip((gaussian, other), observations, strict=True)
    ]
    keys, points = differing_keys(configs)
    assert keys == ("model.likelihood",)  # which tells the observation
    assert [point["model.likelihood"] for point in points] == ["bernoulli", "Strange"]
    assert list(difference(configs)) == ["model.likelihood", "observation"]


def test_a_run_folder_is_a_folder_of_one_run(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"test/nll": 1.0})
    (run,) = collect([tmp_path / "run"]).runs
    assert (run.name, dict(run.point)) == ("run", {})


def test_sweeps_are_put_together_and_told_apart_where_they_collide(tmp_path: Path) -> None:
    for name in ("one", "two"):
        grid(tmp_path / name, ["bernoulli"], [2], 1, pictures=False)
    found = collect([tmp_path / "one", tmp_path / "two"])
    assert found.keys == ("sweep", "model/likelihood", "model.latent_dim")
    assert [run.point["sweep"] for run in found.runs] == ["one", "two"]
    assert collect([tmp_path]).keys == found.keys
    assert collect([tmp_path / "one", tmp_path / "one"]).keys == ("model/likelihood", "model.latent_dim")


def test_what_differs_besides_the_sweep_is_found(tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli"], [2, 8], 1, pictures=False)
    assert beyond_sweep(collect([root])) == {}
    path = root / "bernoulli_8" / "seed-0" / "config.yaml"
    path.write_text(path.read_text().replace("lr: 0.001", "lr: 0.5"))
    found = beyond_sweep(collect([root]))
    assert found == {"optimizer.lr": [("0.001", ["bernoulli_2/seed-0"]), ("0.5", ["bernoulli_8/seed-0"])]}


@pytest.mark.parametrize("name", ["results.json", "config.yaml", "status.json"])
def test_a_damaged_file_costs_its_run_only(name: str, tmp_path: Path) -> None:
    root = grid(tmp_path, ["bernoulli"], [2, 8], 1, pictures=False)
    (root / "bernoulli_8" / "seed-0" / name).write_text("{: [")
    good, bad = collect([root]).runs
    assert good.completed
    assert name in bad.reason
    assert bad.completed == (name == "config.yaml")


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no such folder"):
        collect([tmp_path / "none"])
    with pytest.raises(RequestError, match="holds no run"):
        collect([tmp_path])
    with pytest.raises(RequestError, match="no folder is given"):
        collect([])
    (tmp_path / "sweep.json").write_text('{"swept": [], "jobs": [{"folder": "../elsewhere", "point": {}}]}')
    with pytest.raises(RequestError, match="describes no sweep"):
        collect([tmp_path])


def test_sweeps_over_the_same_keys_are_told_apart_by_what_else_they_differ_in(tmp_path: Path) -> None:
    for name, lr, seed in (("a", 0.1, 0), ("b", 0.2, 1)):
        jobs = []
        for dim in (2, 8):
            config = {"seed": seed, "model": {"latent_dim": dim}, "optimizer": {"lr": lr}}
            jobs.append(({"model.latent_dim": dim, "seed": seed}, {"results": {"test/nll": lr}, "config": config}))
        write_sweep(tmp_path / name, jobs)
    found = collect([tmp_path])
    assert found.keys == ("optimizer.lr", "model.latent_dim")
    assert [tuple(run.point.values()) for run in found.runs] == [(0.1, 2), (0.1, 8), (0.2, 2), (0.2, 8)]
