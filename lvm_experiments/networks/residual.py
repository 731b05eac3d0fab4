"""A residual block of convolutions."""

from __future__ import annotations

__all__ = ["ResidualBlock", "residual_blocks"]

import torch
from torch import Tensor, nn

from lvm_experiments.networks.base import activation_layer
from lvm_experiments.types import Activation


class ResidualBlock(nn.Module):
    r"""$x + f(x)$, f two 3x3 convolutions with the activation before each.

    Nothing is normalised over a batch, so that no example depends on another; instead f begins smaller the more
    blocks there are.

    Arguments:
        channels: Of x and of what it returns.
        activation: Before both convolutions.
        depth: How many blocks follow each other in all; f begins $1 / \sqrt{\mathrm{depth}}$ as large.

    References:
        | Identity mappings in deep residual networks (He et al., 2016), https://arxiv.org/abs/1603.05027
        | Very deep VAEs generalize autoregressive models (Child, 2021), https://arxiv.org/abs/2011.10650
    """

    def __init__(self, channels: int, activation: Activation, depth: int) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            last.weight.mul_(depth**-0.5)
        self.branch = nn.Sequential(
            activation_layer(activation),
            nn.Conv2d(channels, channels, 3, padding=1),
            activation_layer(activation),
            last,
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def residual_blocks(number: int, channels: int, activation: Activation, depth: int) -> list[nn.Module]:
    """So many blocks of `depth` in all."""
    return [ResidualBlock(channels, activation, depth) for _ in range(number)]
