"""Convolutional encoder."""

from __future__ import annotations

__all__ = ["ConvEncoder", "halved"]

from itertools import pairwise

from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Encoder, activation_layer, image_shape, refuse_tokens
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, PositiveInt


def halved(size: int, times: int) -> list[int]:
    """A side and what strided convolutions leave of it, largest first: 28, 14, 7, 4."""
    sizes = [size]
    for _ in range(times):
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


class ConvEncoder(Encoder):
    """3x3 convolutions of stride 2, then one hidden layer, for images of any size and number of channels.

    Arguments:
        spec: What is known of the data.
        channels: The channels of each convolution.
        hidden: The size of the hidden layer, the features.
        activation: After every layer.

    Raises:
        ValueError: Where the data are no images.
        RequestError: For tokens.

    Example:
        >>> encoder = ConvEncoder(DataSpec("bytes", (3, 9, 13), levels=256), channels=[8, 16], hidden=32)
        >>> x = torch.zeros(5, 3, 9, 13)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 32])
    """

    def __init__(
        self, spec: DataSpec, channels: list[PositiveInt], hidden: PositiveInt, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        refuse_tokens(spec, "a convolutional encoder")
        first, height, width = image_shape(spec.shape, "a convolutional encoder")
        self.features = hidden
        layers: list[nn.Module] = []
        for a, b in pairwise([first, *channels]):
            layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), activation_layer(activation)]
        left = halved(height, len(channels))[-1] * halved(width, len(channels))[-1]
        last = channels[-1] if channels else first
        layers += [nn.Flatten(), nn.Linear(last * left, hidden), activation_layer(activation)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return self.layers(x)
