"""Floors of scales, learned and predicted."""

from __future__ import annotations

__all__ = ["floored", "unfloored"]

import math

from torch import Tensor


def floored(log_scale: Tensor, log_floor: float) -> Tensor:
    """log(e^a + e^floor): a floor that gradients pass.

    Arguments:
        log_scale: a.
        log_floor: The logarithm of the smallest scale.

    Example:
        >>> floored(torch.tensor([-100.0, 3.0]), -2.0)
        tensor([-2.0000,  3.0067])
    """
    return log_scale.logaddexp(log_scale.new_tensor(log_floor))


def unfloored(log_scale: Tensor, log_floor: float) -> Tensor:
    """What `floored` makes this of, or all but: a scale at the floor or below it becomes 1.001 floors.

    Arguments:
        log_scale: The logarithm of a scale that has a floor.
        log_floor: The logarithm of the smallest scale.

    Example:
        >>> floored(unfloored(torch.tensor([-3.0, 3.0]), -2.0), -2.0)
        tensor([-1.9990,  3.0000])
    """
    floor = math.exp(log_floor)
    return (log_scale.exp() - floor).clamp_min(1e-3 * floor).log()
