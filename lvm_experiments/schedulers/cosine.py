"""CosineAnnealing: down to the end of training, wherever that is now."""

from __future__ import annotations

__all__ = ["CosineAnnealing"]

import math
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lvm_experiments.errors import RequestError
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class CosineAnnealing(LRScheduler):
    r"""Half a period of a cosine, from the optimizer's learning rate to a final one.

    $$ \eta_t = \eta_{\min} + \frac{\eta_0 - \eta_{\min}}{2} \left(1 + \cos \frac{\pi t}{T}\right) $$

    with t the epochs done. Torch's own takes each rate from the one before it and keeps T among its state: a finished
    run that is made longer would go on at the final rate for ever. This one is a function of t, T and the rate at the
    start, and T is what the configuration says now: a longer run goes on at the rate that a run of that length has
    there.

    Arguments:
        optimizer: Whose learning rates to set.
        T_max: Epochs T of half a period; None for all of training.
        eta_min: The learning rate at its end.
        epochs: How many training has; the run fills it in. None where nobody knows.

    Raises:
        RequestError: Neither T nor the length of training is known.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
        >>> scheduler = CosineAnnealing(optimizer, epochs=2)
        >>> for _ in range(2):
        ...     optimizer.step()
        ...     scheduler.step()
        ...     print(round(optimizer.param_groups[0]["lr"], 6))
        0.4
        0.0

    References:
        | SGDR: Stochastic gradient descent with warm restarts (Loshchilov & Hutter, 2017)
        | https://arxiv.org/abs/1608.03983
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: PositiveInt | None = None,
        eta_min: NonNegativeFloat = 0.0,
        *,
        epochs: int | None,
    ) -> None:
        length = T_max or epochs
        if length is None:
            raise RequestError(
                "nobody knows how many epochs training has",
                where="scheduler",
                hint="give scheduler.T_max, trainer.max_epochs or trainer.max_steps",
            )
        self.T_max, self.eta_min = length, eta_min
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (start - self.eta_min) * share for start in self.base_lrs]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes back to the epoch of a state, on the curve of this one."""
        super().load_state_dict({**state_dict, "T_max": self.T_max, "eta_min": self.eta_min})
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
