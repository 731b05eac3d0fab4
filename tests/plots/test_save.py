from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lvm_experiments.errors import Interrupted
from lvm_experiments.plots import catalogue, save_figures
from tests.plots.kinds import grey, levels


class Broken(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        raise ArithmeticError("out of\n  order")


def test_every_figure_that_applies_is_written(tmp_path: Path) -> None:
    gallery = save_figures(levels(), tmp_path / "new" / "figures")
    assert gallery.failures == {}
    assert gallery.warning is None
    assert gallery.paths == {name: tmp_path / "new" / "figures" / f"{name}.png" for name in catalogue()}
    assert sorted(gallery.paths.values()) == sorted((tmp_path / "new" / "figures").iterdir())
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in gallery.paths.values())


class Stopped(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        raise Interrupted(15)


def test_a_signal_is_no_failure_of_a_figure(tmp_path: Path) -> None:
    context = grey()
    context.model.decoder = Stopped()
    with pytest.raises(Interrupted):
        save_figures(context, tmp_path)


def test_one_failure_costs_one_figure(tmp_path: Path) -> None:
    context = grey()
    context.model.decoder = Broken()
    for name in ("samples", "manifold"):
        (tmp_path / f"{name}.png").write_bytes(b"of an earlier model")
    gallery = save_figures(context, tmp_path)
    assert set(gallery.paths) == {"latent_scatter", "learning_curves"}
    assert set(gallery.failures) == {"model", "reconstructions", "samples", "traversals"}
    assert gallery.failures["samples"] == "ArithmeticError: out of order"
    assert gallery.warning is not None
    assert "\n" not in gallery.warning
    assert "samples (ArithmeticError: out of order)" in gallery.warning
    # What is there is of this model: neither a failed figure nor one that does not apply.
    assert {path.name for path in tmp_path.iterdir()} == {"latent_scatter.png", "learning_curves.png"}


def test_a_folder_that_cannot_be_written_costs_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    context = levels()
    state = torch.get_rng_state()
    gallery = save_figures(context, tmp_path / "file")
    assert gallery.paths == {}
    assert set(gallery.failures) == set(catalogue())
    assert torch.equal(state, torch.get_rng_state())
