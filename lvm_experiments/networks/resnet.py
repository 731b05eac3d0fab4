"""Encoder and decoder of residual blocks."""

from __future__ import annotations

__all__ = ["ResNetDecoder", "ResNetEncoder"]

from itertools import pairwise
from math import prod

from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Decoder, Encoder, activation_layer, image_shape, refuse_tokens
from lvm_experiments.networks.conv import halved
from lvm_experiments.networks.residual import residual_blocks
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, NonNegativeInt, PositiveInt


class ResNetEncoder(Encoder):
    """Stages of residual blocks, each at half the sides of the one before, then one hidden layer.

    Arguments:
        spec: What is known of the data.
        channels: The channels of each stage; a 3x3 convolution of stride 2 stands before all but the first.
        blocks: Residual blocks in each stage.
        hidden: The size of the hidden layer, the features.
        activation: After every layer.

    Raises:
        ValueError: Where the data are no images.
        RequestError: For tokens.

    Example:
        >>> encoder = ResNetEncoder(DataSpec("bytes", (3, 9, 13), levels=256), channels=[8, 16], blocks=2, hidden=32)
        >>> x = torch.zeros(5, 3, 9, 13)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 32])

    References:
        | Identity mappings in deep residual networks (He et al., 2016)
        | https://arxiv.org/abs/1603.05027
    """

    def __init__(
        self,
        spec: DataSpec,
        channels: list[PositiveInt],
        blocks: NonNegativeInt = 2,
        hidden: PositiveInt = 256,
        activation: Activation = "elu",
    ) -> None:
        super().__init__()
        refuse_tokens(spec, "a convolutional encoder")
        first, height, width = image_shape(spec.shape, "a convolutional encoder")
        self.features = hidden
        depth = max(1, blocks * len(channels))
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise([first, *channels])):
            layers.append(nn.Conv2d(a, b, 3, stride=1 + (i > 0), padding=1))
            layers += residual_blocks(blocks, b, activation, depth)
        times = max(0, len(channels) - 1)
        left = halved(height, times)[-1] * halved(width, times)[-1]
        planes = channels[-1] if channels else first
        dense = nn.Linear(planes * left, hidden)
        self.layers = nn.Sequential(
            *layers, activation_layer(activation), nn.Flatten(), dense, activation_layer(activation)
        )

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return self.layers(x)


class ResNetDecoder(Decoder):
    """The mirror of `ResNetEncoder`: two linear layers, then stages of residual blocks at growing sides.

    Between stages a map is repeated to the next size, and convolved.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters, `(parameters, C, H, W)`.
        channels: The channels of each stage, from the smallest map to the largest.
        blocks: Residual blocks in each stage.
        hidden: The size of the first layer.
        activation: After every layer but the last.

    Raises:
        ValueError: Where the data are no images.

    Example:
        >>> decoder = ResNetDecoder(2, (2, 3, 9, 13), channels=[16, 8], blocks=2, hidden=32)
        >>> decoder(torch.zeros(4, 5, 2)).shape
        torch.Size([4, 5, 2, 3, 9, 13])

    References:
        | Identity mappings in deep residual networks (He et al., 2016)
        | https://arxiv.org/abs/1603.05027
    """

    def __init__(
        self,
        inputs: PositiveInt,
        shape: tuple[int, ...],
        channels: list[PositiveInt],
        blocks: NonNegativeInt = 2,
        hidden: PositiveInt = 256,
        activation: Activation = "elu",
    ) -> None:
        super().__init__()
        parameters, *image = shape
        out, height, width = image_shape(tuple(image), "a deconvolutional decoder")
        self.shape = shape
        times = max(0, len(channels) - 1)
        heights, widths = halved(height, times)[::-1], halved(width, times)[::-1]
        planes = channels or [out]
        start = (planes[0], heights[0], widths[0])
        depth = max(1, blocks * len(channels))
        layers: list[nn.Module] = [
            nn.Linear(inputs, hidden),
            activation_layer(activation),
            nn.Linear(hidden, prod(start)),
            nn.Unflatten(1, start),
            *residual_blocks(blocks, planes[0], activation, depth),
        ]
        for i, (a, b) in enumerate(pairwise(planes)):
            layers += [nn.Upsample((heights[i + 1], widths[i + 1])), nn.Conv2d(a, b, 3, padding=1)]
            layers += residual_blocks(blocks, b, activation, depth)
        last = nn.Conv2d(planes[-1], parameters * out, 3, padding=1)
        self.layers = nn.Sequential(*layers, activation_layer(activation), last)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(0, 1)).reshape(*z.shape[:2], *self.shape)
