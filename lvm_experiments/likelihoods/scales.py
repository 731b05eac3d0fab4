"""Floors of predicted scales."""

from __future__ import annotations

__all__ = ["floored"]

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
