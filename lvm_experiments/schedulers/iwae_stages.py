"""IWAEStages: stages that grow while the learning rate falls."""

from __future__ import annotations

__all__ = ["IWAEStages"]

from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lvm_experiments.types import AtLeastTwo, PositiveFloat, PositiveInt


class IWAEStages(LRScheduler):
    r"""Stage i, of $r^i$ epochs, has $\eta_0 f^{i / (S - 1)}$ for its learning rate, i = 0 .. S - 1.

    With the defaults it has 1, 3, 9, ... 2187 epochs, 3280 in all, at 1e-3 down to 1e-4. The last stage goes on for
    as long as training does. The rate is a function of the epochs done, so that a resumed run is on the same curve.

    Arguments:
        optimizer: Whose learning rates to set.
        stages: Their number S.
        growth: How many times as long as the one before a stage is, r.
        final: The last stage's learning rate as a share f of the first one's.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = IWAEStages(optimizer, stages=3, growth=2, final=0.01)
        >>> rates = []
        >>> for _ in range(8):
        ...     rates.append(round(optimizer.param_groups[0]["lr"], 6))
        ...     optimizer.step()
        ...     scheduler.step()
        >>> rates
        [1.0, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01]

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015)
        | https://arxiv.org/abs/1509.00519
    """

    def __init__(
        self, optimizer: Optimizer, stages: AtLeastTwo = 8, growth: PositiveInt = 3, final: PositiveFloat = 0.1
    ) -> None:
        self.stages, self.growth, self.final = stages, growth, final
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        stage, ends = 0, 1
        while self.last_epoch >= ends and stage < self.stages - 1:
            stage += 1
            ends += self.growth**stage
        share = self.final ** (stage / (self.stages - 1))
        return [start * share for start in self.base_lrs]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes back to the epoch of a state, on the curve of this one."""
        own = {"stages": self.stages, "growth": self.growth, "final": self.final}
        super().load_state_dict({**state_dict, **own})
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
