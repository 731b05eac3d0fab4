"""The shell: what it adds up, what it steps, and what it leaves to others."""

from __future__ import annotations

import math
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback

from lvm_experiments.batch import Batch
from lvm_experiments.data import Digits
from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.noise import keyed_noise
from lvm_experiments.objectives import ELBO, IWAE, Linear, Losses, Progress
from lvm_experiments.observations import observe
from tests.support.toys import TwoGroups
from tests.support.training import STILL, Watch, digits, fit, make, state, validated

# ---- accounts


def test_an_epochs_mean_is_over_examples_not_over_batches() -> None:
    """Batches of 50, 50 and 10: the mean of batch means would be another number."""
    module = make(Watch(), STILL)
    trainer = fit(module)
    assert [len(batch) for batch in module.objective.seen] == [50, 50, 10]
    assert trainer.callback_metrics["train/elbo"].item() == 109 / 2
    batch_means = [batch.index.double().mean().item() for batch in module.objective.seen]
    assert abs(sum(batch_means) / 3 - 109 / 2) > 0.1
    # A loss is a mean over its batch already.
    expected = sum(p.detach().double().square().sum().item() for p in module.model.parameters())
    assert trainer.callback_metrics["train/loss"].item() == pytest.approx(expected, rel=1e-6)
    assert trainer.callback_metrics["train/loss"].dtype == torch.float64


def test_every_epoch_has_an_account_of_its_own() -> None:
    class Means(Callback):
        def __init__(self) -> None:
            self.found: list[float] = []

        def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
            assert not any(module.accounts.sums.values())
            self.found.append(trainer.callback_metrics["train/elbo"].item())

    class AtTheEnd(Callback):
        def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
            assert trainer.callback_metrics["train/elbo"].item() == 109 / 2

    fit(make(Watch(), STILL), AtTheEnd(), epochs=3)


def test_progress_says_where_training_is() -> None:
    module = make(Watch(), STILL)
    fit(module, epochs=2)
    steps = [(p.step, p.epoch) for p in module.objective.progress]
    assert steps == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]
    assert {(p.steps, p.epochs) for p in module.objective.progress} == {(6, 2)}
    assert module.updates == 6
    module = make(Watch(), STILL)
    fit(module, epochs=-1, max_steps=4)
    assert {(p.steps, p.epochs) for p in module.objective.progress} == {(4, 2)}
    module = make(TwoGroups(), STILL)
    fit(module, epochs=-1, max_steps=5)
    assert (module.progress().steps, module.updates) == (3, 3)


@pytest.mark.parametrize(
    ("limits", "length"),
    [
        ({"epochs": 100, "max_steps": 4}, (4, 2)),
        ({"epochs": 2, "max_steps": 100}, (6, 2)),
        ({"epochs": -1, "max_time": "00:00:00:00"}, (0, 0)),
    ],
    ids=["steps", "epochs", "a clock"],
)
def test_training_ends_with_what_is_reached_first(limits: dict[str, Any], length: tuple[int, int]) -> None:
    """A warm-up of three epochs is one that outlasts a training of four steps, or of two epochs."""
    module = make(ELBO(schedule=Linear(duration=3)), STILL)
    fit(module, **limits)
    assert (module.progress().steps, module.progress().epochs) == length
    assert len(module.objective.warnings(module.progress())) == (length != (0, 0))


def test_accumulated_batches_are_one_update() -> None:
    """Three batches an epoch by twos: the last update of an epoch is of one batch."""
    module = make(Watch(), STILL)
    trainer = fit(module, epochs=2, accumulate_grad_batches=2)
    assert [p.step for p in module.objective.progress] == [0, 0, 1, 2, 2, 3]
    assert {(p.steps, p.epochs) for p in module.objective.progress} == {(4, 2)}
    assert (module.batches, module.updates, trainer.global_step) == (6, 4, 4)


# ---- noise


class Dice(Callback):
    """Draws from the default generators, as a logger or a picture might."""

    def on_train_batch_start(self, *args: Any) -> None:
        torch.rand(7)

    def on_validation_start(self, *args: Any) -> None:
        torch.manual_seed(123)


def test_the_noise_of_a_step_is_a_matter_of_seed_and_step_alone() -> None:
    plain, disturbed, other = make(ELBO()), make(ELBO()), make(ELBO(), seed=1)
    fit(plain, epochs=2)
    fit(disturbed, Dice(), epochs=2)
    fit(other, epochs=2)
    assert all(torch.equal(x, state(disturbed)[name]) for name, x in state(plain).items())
    assert any(not torch.equal(x, state(other)[name]) for name, x in state(plain).items())


def test_accumulation_leaves_the_noise_of_a_batch_as_it_is() -> None:
    losses: dict[int, list[float]] = {1: [], 2: []}
    for accumulated, found in losses.items():

        class Note(Callback):
            def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, *args: Any) -> None:
                found.append(float(outputs["loss"]) * trainer.accumulate_grad_batches)  # noqa: B023

        fit(make(ELBO(), STILL), Note(), epochs=2, accumulate_grad_batches=accumulated)
    assert losses[1] == pytest.approx(losses[2], rel=1e-6)
    assert len(set(losses[1])) == 6


def test_steps_have_different_noise() -> None:
    module = make(ELBO(), STILL, dataset=digits(50))  # one batch, the same each epoch but for its order
    losses: list[float] = []

    class Note(Callback):
        def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, *args: Any) -> None:
            losses.append(float(outputs["loss"]))

    fit(module, Note(), epochs=3)
    assert len({round(loss, 4) for loss in losses}) == 3


# ---- validation


def test_validation_is_at_beta_one_whatever_training_is_at() -> None:
    one, four, warm = (
        validated(make(ELBO(**how), STILL)) for how in ({}, {"beta": 4.0}, {"schedule": Linear(duration=100)})
    )
    assert one == four == warm
    assert one["val/elbo"] == pytest.approx(-(one["val/rate"] + one["val/distortion"]), abs=1e-6)
    assert one["val/rate"] > 0.01


def test_validation_is_the_mean_over_examples_of_keyed_draws() -> None:
    module = make(IWAE(num_samples=4), STILL, validation_seed=5)
    found = validated(module)
    data = module.loaders.data
    batch = observe(module.observation, data.val.take(torch.arange(60)), 5)
    with torch.no_grad(), keyed_noise(batch.index, 5):
        draw = module.model.draw(batch, 4, differentiable=False)
    bound = torch.logsumexp(draw.log_weight.double(), 0) - math.log(4)
    assert found["val/iw_elbo"] == pytest.approx(bound.mean().item(), abs=1e-4)
    assert found["val/rate"] == pytest.approx(draw.kl.mean().item(), abs=1e-5)
    assert found["val/distortion"] == pytest.approx(-draw.log_lik.mean().item(), abs=1e-4)
    assert found["val/iw_elbo"] > found["val/elbo"]


def test_validation_does_not_depend_on_the_batch_size_of_training() -> None:
    small, large = (validated(make(ELBO(), STILL, dataset=Digits(None, size, 600, 60, 100))) for size in (20, 600))
    for name, value in small.items():
        assert large[name] == pytest.approx(value, abs=1e-6)


def test_a_validation_that_is_no_number_stops_the_run() -> None:
    module = make(ELBO(), STILL)

    class Spoil(Callback):
        def on_validation_start(self, trainer: pl.Trainer, module: Any) -> None:
            next(module.parameters()).data.fill_(math.nan)

    with pytest.raises(RunError, match=r"^validation: val/elbo is not a finite number after step 3; "):
        fit(module, Spoil())


def test_a_loss_that_is_no_number_names_its_term_and_step() -> None:
    class Infinite(ELBO):
        def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
            losses = super().compute(model, batch, progress)
            if progress.step == 4:
                losses.terms["rate"] = losses.terms["rate"] + math.inf
                losses.loss["model"] = losses.loss["model"] + math.nan
            return losses

    module = make(Infinite())
    text = r"^training: the loss \(rate\) is not a finite number at step 4, epoch 1; the last good epoch's checkpoint"
    with pytest.raises(RunError, match=text):
        fit(module, epochs=3)
    assert module.updates == 4
    assert all(torch.isfinite(p).all() for p in module.parameters())


# ---- optimisers and schedulers


def test_a_validation_every_so_many_batches_wants_so_many_batches() -> None:
    with pytest.raises(RequestError, match=r"^trainer.val_check_interval: there are 3 batches in an epoch and not 4; "):
        fit(make(ELBO()), val_check_interval=4)
    module = make(ELBO(), STILL)
    fit(module, epochs=3, val_check_interval=4, check_val_every_n_epoch=None)
    assert module.updates == 9


# ---- state


def test_what_is_saved_is_plain_and_comes_back() -> None:
    module = make(ELBO())
    fit(module, epochs=2)
    saved = module.state_dict()
    other = make(ELBO())
    other.load_state_dict(saved)
    assert (other.batches, other.updates) == (module.batches, module.updates) == (6, 6)
    checkpoint: dict[str, Any] = {}
    module.accounts.add("train", {"elbo": torch.arange(3.0)}, 3)
    module.on_save_checkpoint(checkpoint)
    assert checkpoint == {"sums": [{"names": ["elbo"], "values": [3.0], "examples": 3}]}
    other.on_load_checkpoint(checkpoint)
    assert other.accounts.sums["train"]["values"].tolist() == [3.0]
    assert other.accounts.sums["train"]["values"].dtype == torch.float64


def test_parameters_keep_their_names() -> None:
    names = {name.partition(".")[0] for name in make(TwoGroups()).state_dict()}
    assert names == {"model", "objective", "_extra_state"}
