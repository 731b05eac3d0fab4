"""The weights that fully connected layers begin with."""

from __future__ import annotations

__all__ = ["initialise"]

import torch
from torch import nn

from lvm_experiments.types import Initialisation


@torch.no_grad()
def initialise(network: nn.Module, how: Initialisation, pieces: int = 1) -> None:
    r"""Draws the weights of all linear layers within, and puts their biases at 0.

    Arguments:
        network: Where to look for them.
        how: `glorot` is uniform of variance $2 / (n_{in} + n_{out})$, `he` normal of variance $2 / n_{in}$; `default`
            leaves what torch does.
        pieces: How many layers of the same size each one is, side by side, where it does not say so itself.

    Example:
        >>> layer = torch.nn.Linear(3, 5)
        >>> initialise(layer, "glorot")
        >>> bool((layer.weight.abs() <= (6 / 8) ** 0.5).all()), bool((layer.bias == 0).all())
        (True, True)

    References:
        | Understanding the difficulty of training deep feedforward neural networks (Glorot & Bengio, 2010)
        | Delving deep into rectifiers (He et al., 2015), https://arxiv.org/abs/1502.01852
    """
    if how == "default":
        return
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            for weight in layer.weight.chunk(getattr(layer, "pieces", pieces)):
                if how == "glorot":
                    nn.init.xavier_uniform_(weight)
                else:
                    nn.init.kaiming_normal_(weight)
            nn.init.zeros_(layer.bias)
