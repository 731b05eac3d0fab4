"""The schedule against torch's own, and what a resumed one does."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import torch

from lvm_experiments.errors import RequestError
from lvm_experiments.schedulers import CosineAnnealing


def made(kind: Any = CosineAnnealing, lr: float = 0.3, **arguments: Any) -> Any:
    return kind(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr), **arguments)


def rates(scheduler: Any, epochs: int) -> list[float]:
    """Of every epoch, and after the last one."""
    found = [scheduler.optimizer.param_groups[0]["lr"]]
    for _ in range(epochs):
        scheduler.optimizer.step()
        scheduler.step()
        found.append(scheduler.optimizer.param_groups[0]["lr"])
    return found


def test_it_is_torchs_own_curve_also_past_its_end() -> None:
    own = rates(made(T_max=5, eta_min=0.01, epochs=None), 12)
    assert own == pytest.approx(rates(made(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=5, eta_min=0.01), 12))
    assert own[0] == 0.3
    assert own[5] == pytest.approx(0.01)


def test_it_is_as_long_as_training_unless_another_length_is_given() -> None:
    assert made(epochs=7).T_max == 7
    assert made(T_max=3, epochs=7).T_max == 3
    with pytest.raises(RequestError, match="nobody knows how many epochs"):
        made(epochs=None)


def resumed(state: dict[str, Any], rate: float, **arguments: Any) -> Any:
    """As Lightning does it: the optimiser has the rate it had, and then the schedule gets its state."""
    scheduler = made(**arguments)
    scheduler.optimizer.param_groups[0]["lr"] = rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimiser has made no step yet
        scheduler.load_state_dict(state)
    return scheduler


def test_a_resumed_one_is_the_same_to_the_bit() -> None:
    whole, stopped = made(epochs=9), made(epochs=9)
    expected = rates(whole, 9)
    last = rates(stopped, 4)[-1]
    assert rates(resumed(stopped.state_dict(), last, epochs=9), 5) == expected[4:]


def test_a_finished_one_goes_on_along_the_curve_of_the_longer_run() -> None:
    short = made(epochs=4)
    assert rates(short, 4)[-1] == 0.0
    longer = resumed(short.state_dict(), 0.0, epochs=8)
    assert rates(longer, 4) == pytest.approx([0.15 * (1 + math.cos(math.pi * t / 8)) for t in range(4, 9)])
    assert longer.get_last_lr() == [0.0]
    # A length that was given stays.
    given = made(T_max=4, epochs=4)
    rates(given, 4)
    assert resumed(given.state_dict(), 0.0, T_max=4, epochs=8).optimizer.param_groups[0]["lr"] == 0.0
