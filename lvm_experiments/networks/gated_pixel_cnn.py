"""Masked convolutions, gated, over the pixels before."""

from __future__ import annotations

__all__ = ["GatedPixelCNN"]

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from lvm_experiments.networks.base import Network


class GatedPixelCNN(Network):
    r"""From a context and an image to numbers for each cell, of which none hangs on its own cell or a later one.

    Cells are in order of rows, then of columns, then of channels. Two stacks of layers, one over the rows above, one
    over the pixels to the left, see together all that comes before, without a blind spot. A layer is
    $\tanh(a + V_a c) \odot \sigma(b + V_b c)$ with a and b from masked convolutions and c the context of the pixel;
    the second stack also takes in the first one's, and what it had before. Channel i of a pixel has features of its
    own, which see channels before i of the same pixel.

    Arguments:
        channels: C.
        context: The number n of context maps.
        parameters: How many numbers P a cell gets.
        layers: How many gated layers.
        features: Of each channel in each layer.
        kernel: The side of the convolutions, odd and at least 3.

    Raises:
        ValueError: For another kernel.

    Example:
        >>> network = GatedPixelCNN(3, context=2, parameters=1, layers=2, features=4, kernel=3)
        >>> network(torch.zeros(5, 2, 8, 6), torch.zeros(5, 3, 8, 6)).shape
        torch.Size([5, 1, 3, 8, 6])

    References:
        | Conditional image generation with PixelCNN decoders (van den Oord et al., 2016)
        | https://arxiv.org/abs/1606.05328
    """

    def __init__(self, channels: int, context: int, parameters: int, layers: int, features: int, kernel: int) -> None:
        super().__init__()
        if kernel < 3 or kernel % 2 == 0:
            raise ValueError(f"the kernel is odd and at least 3, not {kernel}")
        self.channels, self.width = channels, channels * features
        sizes = [channels] + [self.width] * layers
        self.layers = nn.ModuleList(
            _Layer(size, self.width, channels, context, kernel, first=i == 0) for i, size in enumerate(sizes[:-1])
        )
        self.head = nn.Sequential(
            nn.ReLU(),
            _Left(self.width, self.width, channels),
            nn.ReLU(),
            _Left(self.width, channels * parameters, channels),
        )

    def forward(self, context: Tensor, x: Tensor) -> Tensor:
        """Numbers for each cell.

        Arguments:
            context: Shape `(N, n, H, W)`.
            x: Shape `(N, C, H, W)`.

        Returns:
            Shape `(N, P, C, H, W)`.
        """
        above, left = x, x
        for layer in self.layers:
            above, left = layer(above, left, context)
        return self.head(left).unflatten(1, (self.channels, -1)).transpose(1, 2)


class _Layer(nn.Module):
    """One gated layer of both stacks."""

    def __init__(self, inputs: int, width: int, channels: int, context: int, kernel: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.above = _Above(inputs, 2 * width, kernel, strict=first)
        self.left = _Left(inputs, 2 * width, channels, kernel // 2, blocks=2, strict=first)
        self.across = nn.Conv2d(2 * width, 2 * width, 1)
        self.context = nn.Conv2d(context, 4 * width, 1)
        self.mix = _Left(width, width, channels)

    def forward(self, above: Tensor, left: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        of_above, of_left = self.context(context).chunk(2, 1)
        seen = self.above(above)
        mixed = self.mix(_gate(self.left(left) + self.across(seen) + of_left))
        return _gate(seen + of_above), mixed if self.first else left + mixed


class _Above(nn.Module):
    """A convolution whose first layer sees the rows above, and whose others the same row of what has seen those."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, strict: bool) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, (self.reach + (not strict), kernel))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(pad(x, (self.reach, self.reach, self.reach, 0)))[:, :, : x.shape[2]]


class _Left(nn.Conv2d):
    """A convolution that sees pixels to the left, and of the same pixel the features of channels before.

    Arguments:
        inputs: How many maps, those of a channel beside each other.
        outputs: Likewise; in `blocks` of that kind.
        channels: C.
        reach: How many pixels to the left.
        blocks: How often the channels follow each other in the outputs.
        strict: Whether a channel sees those before it only; else its own features, too.
    """

    seen: Tensor

    def __init__(
        self, inputs: int, outputs: int, channels: int, reach: int = 0, *, blocks: int = 1, strict: bool = False
    ) -> None:
        super().__init__(inputs, outputs, (1, reach + 1))
        self.reach = reach
        order = torch.arange(channels)
        taken = order.repeat_interleave(inputs // channels)
        given = order.repeat_interleave(outputs // channels // blocks).repeat(blocks)[:, None]
        seen = torch.ones(outputs, inputs, 1, reach + 1, dtype=torch.bool)
        seen[..., 0, -1] = taken < given if strict else taken <= given
        self.register_buffer("seen", seen, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(pad(x, (self.reach, 0)), self.weight * self.seen, self.bias)


def _gate(x: Tensor) -> Tensor:
    a, b = x.chunk(2, 1)
    return torch.tanh(a) * torch.sigmoid(b)
