"""Encoder and decoder of gated convolutions."""

from __future__ import annotations

__all__ = ["GatedConvDecoder", "GatedConvEncoder", "GatedDeconvDecoder"]

from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Decoder, Encoder, image_shape, refuse_tokens
from lvm_experiments.networks.conv import halved
from lvm_experiments.networks.gated_mlp import GatedDense
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class _Gate(nn.Module):
    """Half of the channels, each times the sigmoid of one of the other half."""

    def forward(self, x: Tensor) -> Tensor:
        h, gate = x.chunk(2, 1)
        return h * torch.sigmoid(gate)


def _check_kernels(channels: list[int], kernels: list[int]) -> None:
    if len(kernels) != len(channels):
        raise ValueError(f"there are {len(channels)} convolutions in channels, and {len(kernels)} in kernels")
    if any(size % 2 == 0 for size in kernels):
        raise ValueError(f"kernels have a pixel in their middle, and so odd sides, not {kernels}")


class GatedConvEncoder(Encoder):
    r"""Gated convolutions $h \odot \sigma(g)$, of which every second one has stride 2, then a gated dense layer.

    On 28x28 pixels the dense layer is the convolution of the whole 7x7 map that the papers have. Images may have
    any size from 8x8 on and any number of channels.

    Arguments:
        spec: What is known of the data.
        channels: The channels of each convolution.
        kernels: The sides of each one's kernel, odd.
        hidden: The size of the dense layer, the features.

    Raises:
        ValueError: Where the data are no images, or kernels do not fit.
        RequestError: For tokens.

    Example:
        >>> encoder = GatedConvEncoder(DataSpec("bytes", (3, 9, 13), levels=256), [8, 16], [5, 3], hidden=32)
        >>> x = torch.zeros(5, 3, 9, 13)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 32])

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
        | VAE with a VampPrior (Tomczak & Welling, 2018)
        | https://arxiv.org/abs/1705.07120
    """

    def __init__(
        self, spec: DataSpec, channels: list[PositiveInt], kernels: list[PositiveInt], hidden: PositiveInt
    ) -> None:
        super().__init__()
        refuse_tokens(spec, "a convolutional encoder")
        first, height, width = image_shape(spec.shape, "a convolutional encoder")
        _check_kernels(channels, kernels)
        self.features = hidden
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise([first, *channels])):
            layers += [nn.Conv2d(a, 2 * b, kernels[i], stride=1 + i % 2, padding=kernels[i] // 2), _Gate()]
        times = len(channels) // 2
        left = halved(height, times)[-1] * halved(width, times)[-1]
        planes = channels[-1] if channels else first
        self.layers = nn.Sequential(*layers, nn.Flatten(), GatedDense(planes * left, hidden))

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return self.layers(x)


class GatedDeconvDecoder(Decoder):
    """The mirror of `GatedConvEncoder`: a gated dense layer, gated transposed convolutions, a linear one of 1x1.

    Every second transposed convolution doubles the sides of the map, up to those of the image.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters, `(parameters, C, H, W)`.
        channels: The channels of each transposed convolution; the map before the first has as many as it.
        kernels: The sides of each one's kernel, odd.

    Raises:
        ValueError: Where the data are no images, or kernels do not fit.

    Example:
        >>> decoder = GatedDeconvDecoder(2, (2, 3, 9, 13), [16, 8], [5, 3])
        >>> decoder(torch.zeros(4, 5, 2)).shape
        torch.Size([4, 5, 2, 3, 9, 13])

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
    """

    def __init__(
        self, inputs: PositiveInt, shape: tuple[int, ...], channels: list[PositiveInt], kernels: list[PositiveInt]
    ) -> None:
        super().__init__()
        parameters, *image = shape
        out, height, width = image_shape(tuple(image), "a deconvolutional decoder")
        _check_kernels(channels, kernels)
        if 1 in kernels[1::2]:
            raise ValueError(f"a kernel of 1 that doubles the sides leaves pixels without any; kernels are {kernels}")
        self.shape = shape
        times = len(channels) // 2
        heights, widths = halved(height, times)[::-1], halved(width, times)[::-1]
        start = (channels[0] if channels else out, heights[0], widths[0])
        layers: list[nn.Module] = [GatedDense(inputs, prod(start)), nn.Unflatten(1, start)]
        for i, (a, b) in enumerate(pairwise([start[0], *channels])):
            side, stride = kernels[i], 1 + i % 2
            # Stride 2 turns n into 2n - 1; the padding adds the one that an even size needs.
            after = (i + 1) // 2
            extra = (1 - heights[after] % 2, 1 - widths[after] % 2) if stride == 2 else (0, 0)
            convolution = nn.ConvTranspose2d(a, 2 * b, side, stride, padding=side // 2, output_padding=extra)
            layers += [convolution, _Gate()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1] if channels else out, parameters * out, 1))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(0, 1)).reshape(*z.shape[:2], *self.shape)


class GatedConvDecoder(Decoder):
    """A gated dense layer that makes an image, gated convolutions of it at its own size, a linear one of 1x1.

    Arguments:
        inputs: The length of what is decoded.
        shape: The shape of the likelihood's parameters, `(parameters, C, H, W)`.
        channels: The channels of each convolution.
        kernels: The sides of each one's kernel, odd.

    Raises:
        ValueError: Where the data are no images, or kernels do not fit.

    Example:
        >>> decoder = GatedConvDecoder(2, (2, 3, 9, 13), [16, 8], [5, 3])
        >>> decoder(torch.zeros(4, 5, 2)).shape
        torch.Size([4, 5, 2, 3, 9, 13])

    References:
        | VAE with a VampPrior (Tomczak & Welling, 2018)
        | https://arxiv.org/abs/1705.07120
    """

    def __init__(
        self, inputs: PositiveInt, shape: tuple[int, ...], channels: list[PositiveInt], kernels: list[PositiveInt]
    ) -> None:
        super().__init__()
        parameters, *image = shape
        start = image_shape(tuple(image), "a convolutional decoder")
        _check_kernels(channels, kernels)
        self.shape = shape
        layers: list[nn.Module] = [GatedDense(inputs, prod(start)), nn.Unflatten(1, start)]
        for side, (a, b) in zip(kernels, pairwise([start[0], *channels]), strict=True):
            layers += [nn.Conv2d(a, 2 * b, side, padding=side // 2), _Gate()]
        last = channels[-1] if channels else start[0]
        self.layers = nn.Sequential(*layers, nn.Conv2d(last, parameters * start[0], 1))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z.flatten(0, 1)).reshape(*z.shape[:2], *self.shape)
