"""Schedules of a weight during training."""

from __future__ import annotations

__all__ = ["Constant", "Cyclic", "Linear", "Schedule", "Sigmoid", "warn_of"]

import math
from abc import ABC, abstractmethod
from typing import ClassVar

from lvm_experiments.objectives.base import Progress
from lvm_experiments.types import NonNegativeFloat, PositiveFloat, PositiveInt, Probability, TimeUnit


class Schedule(ABC):
    """A factor that depends on where training is. The simplest to read is `Constant`.

    Attributes:
        length: The argument that says how long it takes.
    """

    length: ClassVar[str] = "duration"

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
        return self.start + (1 - self.start) * min(1.0, _done(progress, self.unit) / self.duration)

    def outlasts(self, progress: Progress) -> bool:
        # The last update is made at total - 1.
        return 0 < _total(progress, self.unit) <= self.duration


class Cyclic(Schedule):
    """Again and again from `start` to 1 in equal steps, where it stays for the rest of a cycle.

    Arguments:
        duration: Epochs or steps of a cycle.
        rise: The share of a cycle after which it has arrived at 1.
        start: Where each cycle begins.
        unit: `epoch` or `step`.

    Example:
        >>> schedule = Cyclic(duration=10)
        >>> [schedule(Progress(epoch=e)) for e in (0, 2, 5, 9, 10, 12)]
        [0.0, 0.4, 1.0, 1.0, 0.0, 0.4]

    References:
        | Cyclical annealing schedule: a simple approach to mitigating KL vanishing (Fu et al., 2019)
        | https://arxiv.org/abs/1903.10145
    """

    def __init__(
        self,
        duration: PositiveInt = 10,
        rise: Probability = 0.5,
        start: NonNegativeFloat = 0.0,
        unit: TimeUnit = "epoch",
    ) -> None:
        self.duration, self.rise, self.start, self.unit = duration, rise, start, unit

    def __call__(self, progress: Progress) -> float:
        within, rising = _done(progress, self.unit) % self.duration, self.rise * self.duration
        return 1.0 if within >= rising else self.start + (1 - self.start) * within / rising

    def outlasts(self, progress: Progress) -> bool:
        # It has arrived at the first whole number that is no less.
        return 0 < _total(progress, self.unit) <= math.ceil(self.rise * self.duration)


class Sigmoid(Schedule):
    r"""A logistic curve, $s(t) = 1 / (1 + e^{-r (t - m)})$: slow, fast, slow.

    It counts as arrived at 0.99, which is $4.6 / r$ after the middle. The defaults do in epochs what the source
    does in 5000 steps with m = 2500, r = 0.0025.

    Arguments:
        middle: After how many epochs or steps it is 0.5.
        rate: Its steepness r, per epoch or step.
        unit: `epoch` or `step`.

    Example:
        >>> Sigmoid(middle=10)(Progress(epoch=10))
        0.5

    References:
        | Generating sentences from a continuous space (Bowman et al., 2016)
        | https://arxiv.org/abs/1511.06349
    """

    length = "middle"

    def __init__(self, middle: NonNegativeFloat = 10.0, rate: PositiveFloat = 0.625, unit: TimeUnit = "epoch") -> None:
        self.middle, self.rate, self.unit = middle, rate, unit

    def __call__(self, progress: Progress) -> float:
        return self._at(_done(progress, self.unit))

    def outlasts(self, progress: Progress) -> bool:
        total = _total(progress, self.unit)
        return total > 0 and self._at(total - 1) < 0.99

    def _at(self, done: int) -> float:
        # tanh does not overflow, however far from the middle.
        return 0.5 * (1 + math.tanh(0.5 * self.rate * (done - self.middle)))


def warn_of(schedule: Schedule | None, progress: Progress, what: str, consequence: str) -> list[str]:
    """A warning where a schedule takes longer than training.

    Arguments:
        schedule: The schedule, or None.
        progress: How long training is.
        what: What it is of.
        consequence: What then never happens.
    """
    if schedule is None or not schedule.outlasts(progress):
        return []
    text = f"{what} lasts as long as training or longer, so {consequence}"
    return [f"{text}; shorten objective.schedule.{schedule.length}"]


def _done(progress: Progress, unit: TimeUnit) -> int:
    return progress.epoch if unit == "epoch" else progress.step


def _total(progress: Progress, unit: TimeUnit) -> int:
    return progress.epochs if unit == "epoch" else progress.steps
