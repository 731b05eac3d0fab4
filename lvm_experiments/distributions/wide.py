"""More digits, where the device has them."""

from __future__ import annotations

__all__ = ["wide"]

from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """In float64, where the device has it: for what is computed as a difference of large numbers.

    Example:
        >>> import torch
        >>> wide(torch.zeros(2)).dtype
        torch.float64
    """
    return x if x.device.type == "mps" else x.double()
