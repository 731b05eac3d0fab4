"""Schedules of a weight during training."""

from __future__ import annotations

__all__ = ["Constant", "Linear", "Schedule"]

from abc import ABC, abstractmethod

from lvm_experiments.objectives.base import Progress
from lvm_experiments.types import NonNegativeFloat, PositiveInt, TimeUnit


class Schedule(ABC):
    """A factor that depends on where training is. The simplest to read is `Constant`."""

    @abstractmethod
    def __call__(self, progress: Progress) -> float:
        """The factor now."""

    def outlasts(self, progress: Progress) -> bool:
        """Whether training of that length ends before the schedule has arrived."""
        return False


class Constant(Schedule):
    """1 throughout.

    Example:
        >>> Constant()(Progress(step=7))
        1.0
    """

    def __call__(self, progress: Progress) -> float:
        return 1.0


class Linear(Schedule):
    """From `start` to 1 in equal steps: a warm-up.

    Arguments:
        duration: After how many epochs or steps it arrives.
        start: Where it begins.
        unit: `epoch` or `step`.

    Example:
        >>> Linear(duration=10)(Progress(epoch=5))
        0.5

    References:
        | Ladder variational autoencoders (Sonderby et al., 2016)
        | https://arxiv.org/abs/1602.02282
    """

    def __init__(self, duration: PositiveInt = 10, start: NonNegativeFloat = 0.0, unit: TimeUnit = "epoch") -> None:
        self.duration, self.start, self.unit = duration, start, unit

    def __call__(self, progress: Progress) -> float:
        done = progress.epoch if self.unit == "epoch" else progress.step
        return self.start + (1 - self.start) * min(1.0, done / self.duration)

    def outlasts(self, progress: Progress) -> bool:
        total = progress.epochs if self.unit == "epoch" else progress.steps
        # The last update is made at total - 1.
        return 0 < total <= self.duration
