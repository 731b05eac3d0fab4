"""Fully connected encoder and decoder of gated layers."""

from __future__ import annotations

__all__ = ["GatedDense", "GatedMLPDecoder", "GatedMLPEncoder"]

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Decoder, Encoder, refuse_tokens
from lvm_experiments.networks.initialisation import initialise
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Initialisation, OutputBias, PositiveInt


class GatedDense(nn.Linear):
    r"""$(W x + b) \odot \sigma(V x + c)$, both halves of one product.

    Arguments:
        inputs: The length of x.
        outputs: The length of what it returns.
    """

    pieces = 2  # layers side by side, each with weights of its own to begin with

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, 2 * outputs)

    def forward(self, input: Tensor) -> Tensor:
        h, gate = super().forward(input).chunk(2, -1)
        return h * torch.sigmoid(gate)


class GatedMLPEncoder(Encoder):
    """Flattens x and sends it through gated hidden layers; the last one is the features.

    Arguments:
        spec: What is known of the data.
        hidden: The sizes of the hidden layers.
        initialisation: Of the weights: torch's own, `glorot` or `he`.

    Raises:
        RequestError: For tokens.

    Example:
        >>> encoder = GatedMLPEncoder(DataSpec("binary", (1, 8, 8)), hidden=[32, 16])
        >>> x = torch.zeros(5, 1, 8, 8)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 16])

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018)
        | https://arxiv.org/abs/1705.07120
        | Language modeling with gated convolutional networks (Dauphin et al., 2016)
        | https://arxiv.org/abs/1612.08083
    """

    def __init__(self, spec: DataSpec, hidden: list[PositiveInt], initialisation: Initialisation = "he") -> None:
        super().__init__()
        refuse_tokens(spec, "a fully connected encoder")
        sizes = [prod(spec.embedded_shape), *hidden]
        self.features = sizes[-1]
        self.layers = nn.Sequential(*(GatedDense(a, b) for a, b in pairwise(sizes)))
        initialise(self, initialisation)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return self.layers(x.flatten(1))


class GatedMLPDecoder(Decoder):
    """Gated hidden layers and a linear one to all parameters of the likelihood.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters.
        hidden: The sizes of the hidden layers.
        initialisation: Of the weights: torch's own, `glorot` or `he`.
        bias: Of the last layer, to begin with: `data_mean` takes the raw parameters of the data's mean, where the
            likelihood knows them; else the initialisation's.

    Example:
        >>> decoder = GatedMLPDecoder(2, (1, 4), hidden=[8])
        >>> decoder(torch.zeros(3, 5, 2)).shape
        torch.Size([3, 5, 1, 4])

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018)
        | https://arxiv.org/abs/1705.07120
    """

    def __init__(
        self,
        inputs: PositiveInt,
        shape: tuple[int, ...],
        hidden: list[PositiveInt],
        initialisation: Initialisation = "he",
        bias: OutputBias = "default",
    ) -> None:
        super().__init__()
        self.shape, self.bias = shape, bias
        sizes = [inputs, *hidden]
        self.last = nn.Linear(sizes[-1], prod(shape))
        self.layers = nn.Sequential(*(GatedDense(a, b) for a, b in pairwise(sizes)))
        initialise(self, initialisation)

    @torch.no_grad()
    def start_at(self, raw: Tensor) -> None:
        if self.bias == "data_mean":
            self.last.bias.copy_(raw.flatten())

    def forward(self, z: Tensor) -> Tensor:
        return self.last(self.layers(z)).unflatten(-1, self.shape)
