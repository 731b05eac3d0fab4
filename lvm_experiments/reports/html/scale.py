"""From numbers to places on an axis, and which numbers to write there."""

from __future__ import annotations

__all__ = ["Scale", "round_numbers"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Scale:
    """An axis.

    Arguments:
        low: The number at its start.
        high: The number at its end.
        start: The pixel of its start.
        end: The pixel of its end.
        ticks: Numbers to write.
        labels: What is written for each.
        logarithmic: Whether equal ratios are equally far apart.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    @classmethod
    def linear(
        cls,
        values: Sequence[float],
        start: float,
        end: float,
        *,
        ticks: int = 5,
        margin: float = 0.06,
        whole: bool = False,
    ) -> Scale:
        """Over the range of some numbers and a margin, with round numbers written, or only whole ones.

        Example:
            >>> Scale.linear([0.0, 10.0], 0, 100, margin=0).ticks
            (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
        """
        low, high = min(values), max(values)
        if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
            pad = abs(low) * 0.05 or 0.5
            low, high = low - pad, high + pad
        pad = (high - low) * margin
        low, high = low - pad, high + pad
        chosen = round_numbers(low, high, ticks)
        if whole:
            chosen = tuple(dict.fromkeys(float(round(tick)) for tick in chosen))
        return cls(low, high, start, end, chosen, tuple(_labels(chosen)))

    @classmethod
    def through(cls, values: Sequence[float], start: float, end: float) -> Scale:
        """Through given numbers, all written where there is room; logarithmic where they span a factor of eight."""
        known = sorted(set(values))
        logarithmic = known[0] > 0 and known[-1] / known[0] >= 8
        if len(known) == 1:
            known = [known[0]]
            return cls(known[0] - 1, known[0] + 1, start, end, (known[0],), (f"{known[0]:g}",))
        pad = 0.08
        if logarithmic:
            ratio = (known[-1] / known[0]) ** pad
            low, high = known[0] / ratio, known[-1] * ratio
        else:
            low, high = known[0] - pad * (known[-1] - known[0]), known[-1] + pad * (known[-1] - known[0])
        whole = cls(low, high, start, end, (), (), logarithmic)
        kept: list[float] = []
        for value in known:
            if not kept or abs(whole(value) - whole(kept[-1])) >= 9 * max(len(f"{value:g}"), 2):
                kept.append(value)
        return cls(low, high, start, end, tuple(kept), tuple(f"{value:g}" for value in kept), logarithmic)

    @classmethod
    def of_words(cls, words: Sequence[str], start: float, end: float) -> Scale:
        """Words at equal distances; they stand for their numbers 0, 1, ..."""
        n = len(words)
        return cls(-0.5, n - 0.5, start, end, tuple(float(i) for i in range(n)), tuple(words))


def round_numbers(low: float, high: float, count: int) -> tuple[float, ...]:
    """About so many round numbers between two.

    Example:
        >>> round_numbers(0.13, 0.47, 4)
        (0.2, 0.3, 0.4)
    """
    raw = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return tuple(round(i * step, digits) + 0.0 for i in range(first, last + 1))


def _labels(values: Sequence[float]) -> list[str]:
    steps = [b - a for a, b in pairwise(values)]
    digits = max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if steps else 2
    return [f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") for value in values]
