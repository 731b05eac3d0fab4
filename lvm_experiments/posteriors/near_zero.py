"""Layers that begin almost without effect."""

from __future__ import annotations

__all__ = ["near_zero"]

from typing import TypeVar

import torch
from torch import nn

L = TypeVar("L", bound=nn.Module)


@torch.no_grad()
def near_zero(layer: L, factor: float = 0.01) -> L:
    """Shrinks a new layer, so that what it parameterises begins near zero and is not stuck there.

    A flow that begins near the identity starts training as the diagonal normal posterior does.

    Arguments:
        layer: A linear layer or a convolution, shrunk in place.
        factor: What its weights and biases are multiplied by.

    Returns:
        The layer.

    Example:
        >>> bool(near_zero(nn.Linear(4, 2)).weight.abs().max() <= 0.005)
        True
    """
    for parameter in layer.parameters():
        parameter.mul_(factor)
    return layer
