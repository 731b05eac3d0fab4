"""Decoder of transposed convolutions."""

from __future__ import annotations

__all__ = ["DeconvDecoder"]

from math import prod

from torch import Tensor, nn

from lvm_experiments.networks.base import Decoder, activation_layer, image_shape
from lvm_experiments.networks.conv import halved
from lvm_experiments.types import Activation, PositiveInt


class DeconvDecoder(Decoder):
    """The mirror of `ConvEncoder`: two linear layers, then 3x3 transposed convolutions that meet the image's size.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters, `(parameters, C, H, W)`.
        channels: The channels before each convolution, from the smallest map to the largest.
        hidden: The size of the hidden layer.
        activation: After every layer but the last.

    Raises:
        ValueError: Where the data are no images.

    Example:
        >>> decoder = DeconvDecoder(2, (2, 3, 9, 13), channels=[16, 8], hidden=32)
        >>> decoder(torch.zeros(4, 5, 2)).shape
        torch.Size([4, 5, 2, 3, 9, 13])
    """

    def __init__(
        self,
        inputs: PositiveInt,
        shape: tuple[int, ...],
        channels: list[PositiveInt],
        hidden: PositiveInt,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        parameters, *image = shape
        out, height, width = image_shape(tuple(image), "a deconvolutional decoder")
        self.shape = shape
        heights, widths = halved(height, len(channels))[::-1], halved(width, len(channels))[::-1]
        planes = [*channels, parameters * out]
        start = (planes[0], heights[0], widths[0])
        layers: list[nn.Module] = [
            nn.Linear(inputs, hidden),
            activation_layer(activation),
            nn.Linear(hidden, prod(start)),
            nn.Unflatten(1, start),
        ]
        for i in range(len(channels)):
            # Stride 2 turns n into 2n - 1; the padding adds the one that an even size needs.
            extra = (1 - heights[i + 1] % 2, 1 - widths[i + 1] % 2)
            layers.append(activation_layer(activation))
            layers.append(nn.ConvTranspose2d(planes[i], planes[i + 1], 3, stride=2, padding=1, output_padding=extra))
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(0, 1)).reshape(*z.shape[:2], *self.shape)
