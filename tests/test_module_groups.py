"""Several groups of parameters, each with a loss and an optimiser of its own."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.callbacks import Checkpoint, loops
from lvm_experiments.callbacks import Progress as ProgressShown
from lvm_experiments.objectives import Progress
from lvm_experiments.observations import observe
from tests.support.toys import TwoGroups
from tests.support.training import STILL, digits, fit, make, norm_of_change, state, validated


def test_each_group_is_moved_by_its_own_loss_only() -> None:
    module = make(TwoGroups(weight=3.0), partial(torch.optim.SGD, lr=1.0))
    assert not module.automatic_optimization
    gradients: dict[str, Tensor] = {}

    class Expect(Callback):
        """What the gradients should be, from a forward of its own with the same noise."""

        def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Batch, number: int) -> None:
            from lvm_experiments.noise import seed_step

            seed_step(module.seed, module.batches, 0, module.device)
            x = observe(module.observation, batch)
            losses = module.objective(module.model, x, Progress())
            for loss, part, prefix in (
                ("model", module.model, "model."),
                ("critic", module.objective.critic, "objective.critic."),
            ):
                names, parameters = zip(*part.named_parameters(), strict=True)
                found = torch.autograd.grad(losses.loss[loss], parameters, retain_graph=True)
                gradients.update({prefix + name: g for name, g in zip(names, found, strict=True)})

    before = state(module)
    fit(module, Expect(), max_steps=2)  # Lightning counts the steps of each optimiser
    after = state(module)
    assert module.updates == 1
    assert any(name.startswith("objective.critic") for name in gradients)
    for name, gradient in gradients.items():
        assert torch.allclose(before[name] - after[name], gradient, atol=1e-6), name
        assert gradient.abs().max() > 0


def test_each_group_is_clipped_on_its_own() -> None:
    module = make(TwoGroups(weight=3.0), partial(torch.optim.SGD, lr=1.0), gradient_clip_val=0.001)
    before = state(module)
    fit(module, max_steps=2)
    for prefix in ("model.", "objective.critic"):
        assert norm_of_change(before, state(module), prefix) == pytest.approx(0.001, rel=1e-3)
    how = {"gradient_clip_val": 0.001, "gradient_clip_algorithm": "value"}
    module = make(TwoGroups(weight=3.0), partial(torch.optim.SGD, lr=1.0), **how)
    before = state(module)
    fit(module, max_steps=2)
    largest = max(float((state(module)[name] - x).abs().max()) for name, x in before.items() if x.is_floating_point())
    assert largest == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("limits", [{"epochs": 2}, {"epochs": -1, "max_steps": 12}, {"epochs": 2, "max_steps": 40}])
def test_the_steps_that_are_shown_are_updates(
    limits: dict[str, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(make(TwoGroups(), STILL), ProgressShown(line_seconds=0.0, metrics=[]), **limits)
    assert "step 6  " in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    fit(make(TwoGroups(), STILL), ProgressShown(metrics=[]), **limits)
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "12/" not in shown


def test_checkpoints_within_an_epoch_are_so_many_updates_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(Checkpoint, "save_last", lambda self, trainer: saved.append(loops.updates(trainer)))
    monkeypatch.setattr(Checkpoint, "_save", lambda self, trainer, final=False: None)  # of epochs
    fit(make(TwoGroups(), STILL, dataset=digits(250)), Checkpoint(every_n_train_steps=2), enable_checkpointing=True)
    assert saved == [2, 4]


def test_a_group_is_scaled_by_what_its_gradients_were() -> None:
    """Those of the model overflow, so that its step is left out and the scale is halved before the critic's."""
    moved = []
    for scale, clip in product((1.0, 2.0**18), (None, 1e-3)):
        torch.manual_seed(0)
        module = make(TwoGroups(), partial(torch.optim.SGD, lr=1.0), gradient_clip_val=clip)
        before = state(module)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        fit(module, max_steps=2, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])
        after = state(module)
        moved.append([norm_of_change(before, after, prefix) for prefix in ("model.", "objective.critic")])
        assert scaler.get_scale() == (scale if scale == 1 else scale / 2)
    plain, clipped = moved[:2]
    assert clipped == pytest.approx([1e-3, 1e-3], rel=1e-3)
    assert moved[2] == pytest.approx([0.0, plain[1]], rel=1e-3)
    assert moved[3] == pytest.approx([0.0, 1e-3], rel=1e-3)


def test_two_groups_train() -> None:
    module = make(TwoGroups(), partial(torch.optim.Adam, lr=0.01))
    first = validated(make(TwoGroups(), STILL))
    trainer = fit(module, epochs=5)
    assert float(trainer.callback_metrics["val/elbo"]) > first["val/elbo"] + 3
    assert module.updates == 15
    assert int(module.objective.steps) == 15
    assert {"train/score", "train/loss"} <= trainer.callback_metrics.keys()
