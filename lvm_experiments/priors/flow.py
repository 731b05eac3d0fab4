"""Normalising flows as priors."""

from __future__ import annotations

__all__ = ["MAFPrior", "NSFPrior"]

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from zuko.distributions import DiagNormal
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.lazy import Flow, LazyComposedTransform, UnconditionalDistribution

from lvm_experiments.networks.autoregressive import autoregressive_layers, splines
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class MAFPrior(Prior):
    r"""A masked autoregressive flow: $p(z) = \mathcal{N}(f(z); 0, I) \, |\det \partial f / \partial z|$.

    Every transformation is $z_l \mapsto z_l e^{a_l} + b_l$ with $a_l, b_l$ functions of the $z$ before it, the order
    being reversed between transformations. A density is one pass through each network at once, a draw one in L
    steps: what training asks for is the fast direction. zuko's function of a coordinate bounds $|a|$ by log 1000.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.
        hidden: The sizes of the hidden layers of every transformation's network.
        transforms: The number of transformations.

    Example:
        >>> prior = MAFPrior((2,), DataSpec("binary", (4,)), hidden=[16])
        >>> prior().sample((3, 5)).shape
        torch.Size([3, 5, 2])

    References:
        | Masked autoregressive flow for density estimation (Papamakarios, Pavlakou & Murray, 2017)
        | https://arxiv.org/abs/1705.07057
        | Variational lossy autoencoder (Chen et al., 2016), for its use as a prior
        | https://arxiv.org/abs/1611.02731
    """

    domain = "real"

    def __init__(
        self, event_shape: tuple[int, ...], spec: DataSpec, hidden: list[PositiveInt], transforms: PositiveInt = 3
    ) -> None:
        super().__init__()
        self.flow = _flow(event_shape[0], autoregressive_layers(event_shape[0], 0, transforms, hidden, "relu"))

    def forward(self, condition: Tensor | None = None) -> Distribution:
        return self.flow()


class NSFPrior(Prior):
    r"""A neural spline flow: as `MAFPrior`, every $z_l$ by a monotone rational-quadratic spline.

    The splines act on [-5, 5] and leave what lies outside as it is: there p has the tails of a standard normal
    distribution. A draw takes L steps.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.
        hidden: The sizes of the hidden layers of every transformation's network.
        transforms: The number of transformations.
        bins: The number of pieces of a spline.

    Example:
        >>> prior = NSFPrior((2,), DataSpec("binary", (4,)), hidden=[16])
        >>> prior().log_prob(prior().sample((3, 5))).shape
        torch.Size([3, 5])

    References:
        | Neural spline flows (Durkan, Bekasov, Murray & Papamakarios, 2019)
        | https://arxiv.org/abs/1906.04032
    """

    domain = "real"

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        hidden: list[PositiveInt],
        transforms: PositiveInt = 3,
        bins: PositiveInt = 8,
    ) -> None:
        super().__init__()
        layers = autoregressive_layers(event_shape[0], 0, transforms, hidden, "relu", **splines(bins))
        self.flow = _flow(event_shape[0], layers)

    def forward(self, condition: Tensor | None = None) -> Distribution:
        return self.flow()


def _flow(length: int, layers: LazyComposedTransform) -> Flow:
    """From z to standard normal noise."""
    for part in layers.modules():
        # A lone dimension has no network but free parameters, which zuko draws from N(0, 1): scales up to a hundred.
        if isinstance(part, ElementWiseTransform):
            for parameter in part.parameters():
                nn.init.normal_(parameter, std=0.1)
    zeros, ones = torch.zeros(length), torch.ones(length)
    return Flow(layers, UnconditionalDistribution(DiagNormal, loc=zeros, scale=ones, buffer=True))
