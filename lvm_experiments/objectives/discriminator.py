"""What tells two sets of latents apart."""

from __future__ import annotations

__all__ = ["Discriminator"]

from itertools import pairwise
from math import prod

from torch import Tensor, nn
from torch.func import functional_call

from lvm_experiments.networks.base import Network
from lvm_experiments.types import PositiveInt


class Discriminator(Network):
    """The log odds that z is of the first of two sets; fitted, the log of the ratio of their densities.

    Arguments:
        event_shape: The shape of one z.
        hidden: The sizes of the hidden layers; a leaky ReLU of slope 0.2 follows each.

    Example:
        >>> Discriminator((2,), hidden=[8])(torch.zeros(3, 5, 2)).shape
        torch.Size([3, 5])
    """

    def __init__(self, event_shape: tuple[int, ...], hidden: list[PositiveInt]) -> None:
        super().__init__()
        sizes = [prod(event_shape), *hidden]
        layers = [nn.Sequential(nn.Linear(a, b), nn.LeakyReLU(0.2)) for a, b in pairwise(sizes)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))

    def forward(self, z: Tensor) -> Tensor:
        """z of shape `(K, B, *event)` to log odds `(K, B)`."""
        return self.layers(z.flatten(2)).squeeze(-1)

    def frozen(self, z: Tensor) -> Tensor:
        """The same, where gradients reach z and none of the parameters: for the loss of those it judges."""
        return functional_call(self, {name: p.detach() for name, p in self.named_parameters()}, (z,))
