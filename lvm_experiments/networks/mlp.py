"""Fully connected encoder and decoder."""

from __future__ import annotations

__all__ = ["MLPDecoder", "MLPEncoder", "mlp_layers"]

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Decoder, Encoder, activation_layer, refuse_tokens
from lvm_experiments.networks.gated_mlp import GatedDense
from lvm_experiments.networks.initialisation import initialise
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, Initialisation, LayerActivation, OutputBias, PositiveInt


def mlp_layers(inputs: int, hidden: list[int], activation: LayerActivation) -> list[nn.Module]:
    """Layers of the sizes in `hidden`: linear ones, an activation after each, or with `glu` gated ones."""
    pairs = pairwise([inputs, *hidden])
    if activation == "glu":
        return [GatedDense(a, b) for a, b in pairs]
    return [layer for a, b in pairs for layer in (nn.Linear(a, b), activation_layer(activation))]


class MLPEncoder(Encoder):
    """Flattens x and sends it through hidden layers; the last one is the features.

    Arguments:
        spec: What is known of the data.
        hidden: The sizes of the hidden layers.
        activation: After every hidden layer.
        initialisation: Of the weights: torch's own, `glorot` or `he`.

    Raises:
        RequestError: For tokens.

    Example:
        >>> encoder = MLPEncoder(DataSpec("binary", (1, 8, 8)), hidden=[32, 16])
        >>> x = torch.zeros(5, 1, 8, 8)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 16])
    """

    def __init__(
        self,
        spec: DataSpec,
        hidden: list[PositiveInt],
        activation: Activation = "tanh",
        initialisation: Initialisation = "default",
    ) -> None:
        super().__init__()
        refuse_tokens(spec, "a fully connected encoder")
        inputs = prod(spec.embedded_shape)
        self.features = hidden[-1] if hidden else inputs
        self.layers = nn.Sequential(*mlp_layers(inputs, hidden, activation))
        initialise(self, initialisation)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return self.layers(x.flatten(1))


class MLPDecoder(Decoder):
    """Hidden layers and a linear one to all parameters of the likelihood.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters.
        hidden: The sizes of the hidden layers.
        activation: After every hidden layer.
        initialisation: Of the weights: torch's own, `glorot` or `he`.
        bias: Of the last layer, to begin with: `data_mean` takes the raw parameters of the data's mean, where the
            likelihood knows them; else the initialisation's.

    Example:
        >>> decoder = MLPDecoder(2, (1, 4), hidden=[8])
        >>> decoder(torch.zeros(3, 5, 2)).shape
        torch.Size([3, 5, 1, 4])
    """

    def __init__(
        self,
        inputs: PositiveInt,
        shape: tuple[int, ...],
        hidden: list[PositiveInt],
        activation: Activation = "tanh",
        initialisation: Initialisation = "default",
        bias: OutputBias = "default",
    ) -> None:
        super().__init__()
        self.shape, self.bias = shape, bias
        self.layers = nn.Sequential(
            *mlp_layers(inputs, hidden, activation), nn.Linear(hidden[-1] if hidden else inputs, prod(shape))
        )
        initialise(self, initialisation)

    @torch.no_grad()
    def start_at(self, raw: Tensor) -> None:
        if self.bias == "data_mean":
            last = self.layers[-1]
            assert isinstance(last, nn.Linear)
            last.bias.copy_(raw.flatten())

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(-1, self.shape)
