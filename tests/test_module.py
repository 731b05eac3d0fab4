"""The shell: what it adds up, what it steps, and what it leaves to others."""

from __future__ import annotations

import math
from functools import partial
from itertools import product
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.callbacks import Checkpoint, loops
from lvm_experiments.callbacks import Progress as ProgressShown
from lvm_experiments.configuration import instantiate
from lvm_experiments.data import DataSet, Digits, Loaders
from lvm_experiments.errors import RequestError, RunError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, LatentVariableModel
from lvm_experiments.module import ExperimentModule
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.noise import keyed_noise
from lvm_experiments.objectives import ELBO, IWAE, Linear, Losses, Objective, Progress
from lvm_experiments.observations import BinariseStatic, observe
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.schedulers import CosineAnnealing
from tests.support.toys import Autoencoder, TwoGroups

SGD = partial(torch.optim.SGD, lr=0.01)
STILL = partial(torch.optim.SGD, lr=0.0)


def digits(limit: int = 110) -> DataSet:
    return Digits(None, 50, 60, 60, limit)


def make(objective: Objective, optimizer: Any = SGD, scheduler: Any = None, **more: Any) -> ExperimentModule:
    """The module of a small run. 110 examples in batches of 50: 50, 50 and 10."""
    dataset = more.pop("dataset", digits())
    data = dataset.load()
    torch.manual_seed(2)
    observation = BinariseStatic(data.spec)
    parts = (partial(MLPEncoder, hidden=[8]), DiagonalNormalPosterior, StandardNormalPrior)
    model = VAE(observation.spec, 3, *parts, partial(MLPDecoder, hidden=[8]), BernoulliLikelihood)
    given = {"monitor": objective.monitor, "seed": 0, "loaders": Loaders(data, dataset, 0), **more}
    return ExperimentModule(model, objective, observation, optimizer, scheduler, **given)


def fit(module: ExperimentModule, *callbacks: Callback, epochs: int = 1, **trainer: Any) -> pl.Trainer:
    options: dict[str, Any] = {
        "accelerator": "cpu",
        "max_epochs": epochs,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
        "callbacks": list(callbacks),
    }
    fitter = pl.Trainer(**{**options, **trainer})
    fitter.fit(module)
    return fitter


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: x.clone() for name, x in module.state_dict().items() if isinstance(x, Tensor)}


class Watch(Objective):
    """An objective that notes what it is given; its term is the number of the example."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Batch] = []
        self.progress: list[Progress] = []

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        self.seen.append(batch)
        self.progress.append(progress)
        assert batch.index is not None
        loss = sum(p.square().sum() for p in model.parameters())
        return Losses({"model": loss}, {"elbo": batch.index.double()})


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


def validated(module: ExperimentModule, **options: Any) -> dict[str, float]:
    return {name: float(x) for name, x in fit(module, **options).callback_metrics.items() if name.startswith("val/")}


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


# ---- loaders


def test_a_share_of_the_batches_and_a_few_of_them() -> None:
    dataset = digits()
    loaders = Loaders(dataset.load(), dataset, seed=3)
    assert [loaders.batches(limit) for limit in (1.0, 0.7, 0.4, 0.1, 2, 9)] == [3, 2, 1, 1, 2, 3]
    assert [len(loaders.train(0, 1, limit)) for limit in (1.0, 2, 9)] == [3, 2, 3]
    limited = loaders.train(0, 1, 1)
    epochs = [next(iter(limited)).index.tolist() for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3  # a limited epoch sees other examples each time


def test_a_data_set_that_keeps_its_order_is_gone_through_in_it() -> None:
    dataset = digits()
    dataset.shuffle = False
    loader = Loaders(dataset.load(), dataset, seed=3).train(0, 1, 1.0)
    for _ in range(2):
        assert torch.cat([batch.index for batch in loader]).tolist() == list(range(110))


def test_overfitting_sees_the_same_examples_again_and_again() -> None:
    module = make(Watch(), STILL, dataset=digits(200))
    trainer = fit(module, epochs=3, overfit_batches=2)
    epochs = [torch.cat([b.index for b in module.objective.seen[i : i + 2]]).tolist() for i in (0, 2, 4)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert trainer.callback_metrics["train/elbo"].item() == 99 / 2
    (val,) = trainer.val_dataloaders if isinstance(trainer.val_dataloaders, list) else [trainer.val_dataloaders]
    assert sorted(torch.cat([batch.index for batch in val]).tolist()) == list(range(100))
    assert torch.equal(val.split.x, module.loaders.data.train.x[:100])


# ---- optimisers and schedulers


def test_an_optimizer_takes_the_kernel_torch_has_and_says_what_it_does_not_take() -> None:
    module = make(ELBO(), partial(torch.optim.Adam, lr=0.01, fused=None))
    trainer = fit(module)
    assert trainer.optimizers[0].defaults["fused"] is True
    fit(asked := make(ELBO(), partial(torch.optim.Adam, lr=0.01, fused=False)))
    assert asked.trainer.optimizers[0].defaults["fused"] is False
    make(ELBO(), torch.optim.Adamax).check_optimizer()  # has no such kernel
    with pytest.raises(RequestError, match=r"^optimizer: Invalid learning rate: -1"):
        make(ELBO(), partial(torch.optim.Adam, lr=-1)).check_optimizer()
    with pytest.raises(RequestError, match=r"^optimizer: .*unexpected keyword argument 'momentun'"):
        make(ELBO(), partial(torch.optim.SGD, momentun=0.1)).check_optimizer()
    wrong = partial(torch.optim.lr_scheduler.StepLR)
    with pytest.raises(RequestError, match=r"^scheduler: .*step_size"):
        make(ELBO(), SGD, wrong).check_optimizer()


PLATEAU = partial(torch.optim.lr_scheduler.ReduceLROnPlateau, patience=0, threshold=0.1, threshold_mode="abs")


class Rates(Callback):
    def __init__(self) -> None:
        self.found: list[list[float]] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.found.append([optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers])


@pytest.mark.parametrize("objective", [ELBO(), TwoGroups()], ids=["one group", "two groups"])
def test_schedules_are_stepped_once_an_epoch(objective: Objective) -> None:
    rates = Rates()
    step = partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    fit(make(objective, SGD, step), rates, epochs=3)
    assert [rate[0] for rate in rates.found] == [0.01, 0.005, 0.0025]
    assert all(len(set(rate)) == 1 for rate in rates.found)


@pytest.mark.parametrize("objective", [ELBO(), TwoGroups()], ids=["one group", "two groups"])
def test_a_plateau_is_one_in_the_metrics_own_direction(objective: Objective) -> None:
    """Nothing moves at a rate this small, so that every epoch after the first is without an improvement."""
    rates = Rates()
    fit(make(objective, partial(torch.optim.SGD, lr=1e-6), PLATEAU), rates, epochs=4)
    assert [rate[0] for rate in rates.found] == pytest.approx([1e-6, 1e-6, 1e-7, 1e-8])
    rates = Rates()
    fit(make(objective, partial(torch.optim.SGD, lr=0.01), PLATEAU), rates, epochs=4)
    assert {rate[0] for rate in rates.found} == {0.01}  # a bound that rises
    rates = Rates()
    fit(make(objective, partial(torch.optim.SGD, lr=1e-6), PLATEAU), rates, epochs=5, check_val_every_n_epoch=2)
    assert [rate[0] for rate in rates.found] == pytest.approx([1e-6, 1e-6, 1e-6, 1e-6, 1e-7])


def test_a_validation_every_so_many_batches_wants_so_many_batches() -> None:
    with pytest.raises(RequestError, match=r"^trainer.val_check_interval: there are 3 batches in an epoch and not 4; "):
        fit(make(ELBO()), val_check_interval=4)
    module = make(ELBO(), STILL)
    fit(module, epochs=3, val_check_interval=4, check_val_every_n_epoch=None)
    assert module.updates == 9


def test_a_plateau_needs_validation() -> None:
    with pytest.raises(RequestError, match=r"^scheduler: it watches val/elbo, and nothing is validated"):
        fit(make(ELBO(), SGD, PLATEAU), limit_val_batches=0)


def norm_of_change(before: dict[str, Tensor], after: dict[str, Tensor], prefix: str) -> float:
    change = [(after[name] - x).flatten() for name, x in before.items() if name.startswith(prefix)]
    return float(torch.cat(change).norm())


def test_gradients_are_clipped() -> None:
    module = make(ELBO(), partial(torch.optim.SGD, lr=1.0))
    before = state(module)
    fit(module, max_steps=1, gradient_clip_val=0.001)
    assert norm_of_change(before, state(module), "model.") == pytest.approx(0.001, rel=1e-3)


# ---- several groups


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


@pytest.mark.parametrize("objective", [ELBO(), TwoGroups()], ids=["one group", "two groups"])
def test_clipping_goes_with_sixteen_bits(objective: Objective) -> None:
    """A fused optimiser would refuse it."""
    clip = {"gradient_clip_val": 1.0}
    several = len(objective.groups(make(objective).model)) > 1
    module = make(objective, partial(torch.optim.Adam, lr=0.01), **(clip if several else {}))
    fit(module, precision="bf16-mixed", **({} if several else clip))
    assert module.updates == 3


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


def test_a_part_of_the_configuration_is_a_partial_like_any_other() -> None:
    optimizer = instantiate({"_target_": "torch.optim.AdamW", "_partial_": True, "lr": 0.5, "fused": None}, "optimizer")
    scheduler = instantiate(
        {"_target_": "torch.optim.lr_scheduler.CosineAnnealingLR", "_partial_": True, "T_max": 2}, "scheduler"
    )
    rates = Rates()
    fit(make(Autoencoder(num_samples=1), optimizer, scheduler), rates, epochs=3)
    assert [rate[0] for rate in rates.found] == pytest.approx([0.5, 0.25, 0.0])


@pytest.mark.parametrize(
    ("limits", "rates"),
    [
        ({"epochs": 2}, [0.5, 0.25]),
        ({"epochs": -1, "max_steps": 6}, [0.5, 0.25]),
        ({"epochs": -1, "max_steps": 4, "accumulate_grad_batches": 2}, [0.5, 0.25]),
        ({"epochs": 2, "max_steps": 100}, [0.5, 0.25]),
        ({"epochs": 1, "max_steps": 2}, [0.5]),
    ],
    ids=lambda given: ", ".join(map(str, given)) if isinstance(given, dict) else "",
)
def test_a_schedule_that_ends_with_training_knows_how_long_that_is(limits: dict[str, int], rates: list[float]) -> None:
    started = RatesAtTheStart()
    fit(make(ELBO(), partial(torch.optim.SGD, lr=0.5), CosineAnnealing), started, **limits)
    assert started.found == pytest.approx(rates)


class RatesAtTheStart(Callback):
    """The learning rate of every epoch."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.found.append(trainer.optimizers[0].param_groups[0]["lr"])


def test_so_it_does_where_several_groups_have_a_schedule_each() -> None:
    started = RatesAtTheStart()
    fit(make(TwoGroups(), partial(torch.optim.SGD, lr=0.5), CosineAnnealing), started, epochs=2)
    assert started.found == pytest.approx([0.5, 0.25])


def test_it_is_refused_where_nobody_knows() -> None:
    module = make(ELBO(), SGD, CosineAnnealing)
    module.check_optimizer()
    for begin in (lambda: module.check_optimizer(endless=True), lambda: fit(module, epochs=-1)):
        with pytest.raises(
            RequestError, match=r"^scheduler: nobody knows how many epochs training has; give scheduler"
        ):
            begin()
    given = make(ELBO(), SGD, partial(CosineAnnealing, T_max=3))
    given.check_optimizer(endless=True)
