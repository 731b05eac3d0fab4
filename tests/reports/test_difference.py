from __future__ import annotations

from typing import Any

from lvm_experiments.reports.difference import difference, differing_keys

DASH = "\N{EM DASH}"


def with_optimizer(name: str, lr: float) -> dict[str, Any]:
    return {"seed": 0, "model": {"_target_": "a.VAE", "latent_dim": 2}, "optimizer": {"_target_": name, "lr": lr}}


def test_parts_of_one_name_are_told_apart_beside_one_of_another() -> None:
    runs = [("b.Slow", 0.1), ("b.Slow", 0.2), ("b.Fast", 0.1), ("b.Slow", 0.1)]
    found = difference([with_optimizer(*run) for run in runs])
    assert found == {"optimizer": ["Slow", "Slow", "Fast", "Slow"], "optimizer.lr": ["0.1", "0.2", DASH, "0.1"]}
    _, points = differing_keys([with_optimizer(*run) for run in runs])
    assert points[0] != points[1]
    assert points[0] == points[3]


def test_whole_models_are_told_apart_inside() -> None:
    models = [
        {"_target_": "a.VAE", "encoder": {"_target_": "b.Wide", "hidden": [2]}, "latent_dim": 2},
        {"_target_": "a.VAE", "encoder": {"_target_": "b.Deep"}, "latent_dim": 4},
        {"_target_": "a.VAE", "encoder": {"_target_": "b.Wide", "hidden": [3]}, "latent_dim": 2},
        {"_target_": "a.Mixture", "latent_dim": 8},
    ]
    assert difference([{"model": model} for model in models]) == {
        "model": ["VAE", "VAE", "VAE", "Mixture"],
        "model.encoder": ["Wide", "Deep", "Wide", DASH],
        "model.encoder.hidden": ["[2]", DASH, "[3]", DASH],
        "model.latent_dim": ["2", "4", "2", DASH],
    }


def test_what_is_nothing_and_what_is_called_so() -> None:
    assert difference([{"scheduler": None}, {"scheduler": "null"}]) == {"scheduler": ["null", "null"]}
    assert difference([{"scheduler": None}, {"scheduler": {"_target_": "c.Step"}}]) == {"scheduler": ["null", "Step"]}
