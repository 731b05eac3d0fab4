"""Optimisers, their schedules and the clipping of gradients, as the shell steps them."""

from __future__ import annotations

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning import Callback

from lvm_experiments.configuration import instantiate
from lvm_experiments.errors import RequestError
from lvm_experiments.objectives import ELBO, Objective
from lvm_experiments.schedulers import CosineAnnealing
from tests.support.toys import Autoencoder, TwoGroups
from tests.support.training import SGD, fit, make, norm_of_change, state


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
    """The learning rates of every epoch, one for each optimiser."""

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


def test_a_plateau_needs_validation() -> None:
    with pytest.raises(RequestError, match=r"^scheduler: it watches val/elbo, and nothing is validated"):
        fit(make(ELBO(), SGD, PLATEAU), limit_val_batches=0)


def test_gradients_are_clipped() -> None:
    module = make(ELBO(), partial(torch.optim.SGD, lr=1.0))
    before = state(module)
    fit(module, max_steps=1, gradient_clip_val=0.001)
    assert norm_of_change(before, state(module), "model.") == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("objective", [ELBO(), TwoGroups()], ids=["one group", "two groups"])
def test_clipping_goes_with_sixteen_bits(objective: Objective) -> None:
    """A fused optimiser would refuse it."""
    clip = {"gradient_clip_val": 1.0}
    several = len(objective.groups(make(objective).model)) > 1
    module = make(objective, partial(torch.optim.Adam, lr=0.01), **(clip if several else {}))
    fit(module, precision="bf16-mixed", **({} if several else clip))
    assert module.updates == 3


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
    started = Rates()
    fit(make(ELBO(), partial(torch.optim.SGD, lr=0.5), CosineAnnealing), started, **limits)
    assert [rate[0] for rate in started.found] == pytest.approx(rates)


def test_so_it_does_where_several_groups_have_a_schedule_each() -> None:
    rates = Rates()
    fit(make(TwoGroups(), partial(torch.optim.SGD, lr=0.5), CosineAnnealing), rates, epochs=2)
    assert [rate[0] for rate in rates.found] == pytest.approx([0.5, 0.25])


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
