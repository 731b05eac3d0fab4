"""The schedule against its table in the paper, and what a resumed one does."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

from lvm_experiments.schedulers import IWAEStages


def made(lr: float = 1e-3, **arguments: Any) -> Any:
    return IWAEStages(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr), **arguments)


def rates(scheduler: Any, epochs: int) -> list[float]:
    """Of every epoch, and after the last one."""
    found = [scheduler.optimizer.param_groups[0]["lr"]]
    for _ in range(epochs):
        scheduler.optimizer.step()
        scheduler.step()
        found.append(scheduler.optimizer.param_groups[0]["lr"])
    return found


def test_its_stages_are_those_of_the_paper() -> None:
    expected = [1e-3 * 10 ** (-i / 7) for i in range(8) for _ in range(3**i)]
    assert len(expected) == 3280
    found = rates(made(), 3300)
    assert found[:3280] == pytest.approx(expected, rel=1e-12)
    assert found[3280:] == pytest.approx([1e-4] * 21, rel=1e-12)
    changes = [t for t in range(1, 3300) if found[t] != found[t - 1]]
    assert changes == [1, 4, 13, 40, 121, 364, 1093]


def test_a_resumed_one_is_the_same_to_the_bit() -> None:
    expected = rates(made(growth=2), 30)
    stopped = made(growth=2)
    last = rates(stopped, 9)[-1]
    resumed = made(growth=2)
    resumed.optimizer.param_groups[0]["lr"] = last
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimiser has made no step yet
        resumed.load_state_dict(stopped.state_dict())
    assert rates(resumed, 21) == expected[9:]
    assert resumed.get_last_lr() == [expected[-1]]
