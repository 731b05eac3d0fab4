from __future__ import annotations

from typing import Any

import pytest

from lvm_experiments.sweeps.axes import Axis
from lvm_experiments.sweeps.naming import folder_name, sweep_name

SEED = Axis("seed", ("seed=0",), (0,))


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ({"model/likelihood": "bernoulli", "seed": 1, "model.latent_dim": 2}, "bernoulli_2/seed-1"),
        ({"a": 1e-4}, "0.0001"),
        ({"a": None, "b": True}, "null_true"),
        ({"a": {"b": 1}}, "b-1"),
        ({"a": "../../etc/x=y > z"}, "etc_x_y_z"),
        ({"a": ".hidden"}, "hidden"),
        ({"a": ""}, "empty"),
        ({}, "single"),
    ],
)
def test_folders_are_readable_and_safe(point: dict[str, Any], name: str) -> None:
    assert folder_name(point) == name


def test_no_two_points_share_a_folder() -> None:
    one, other = {"a": "x/y", "seed": 0}, {"a": "X=Y", "seed": 0}
    taken = folder_name(one)
    name = folder_name(other, [taken])
    assert name.startswith("X_Y-")
    assert name.endswith("/seed-0")
    assert name == folder_name(other, [taken])


def test_a_long_name_is_cut() -> None:
    assert max(map(len, folder_name({"a": "x" * 500, "seed": 0}).split("/"))) < 100


def test_only_what_changes_numbers_changes_the_name_of_a_sweep() -> None:
    name = sweep_name([SEED], ["model=gaussian_vae"])
    for free in (
        "logger=wandb",
        "paths.root=x",
        "sweep.timeout=9",
        "hydra/launcher=slurm",
        "hydra.launcher.jobs=2",
        "tags=[a]",
    ):
        assert sweep_name([SEED], [free, "model=gaussian_vae"]) == name
    assert sweep_name([SEED], ["model=beta_vae"]) != name
    assert sweep_name([SEED], []) == "seed"
    assert sweep_name([SEED], ["sweep=seeds"]) == "seeds"
