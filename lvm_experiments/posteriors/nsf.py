"""A posterior by neural spline flow."""

from __future__ import annotations

__all__ = ["NSFPosterior"]

from functools import partial

from torch import Tensor
from torch.distributions import Transform
from zuko.distributions import NormalizingFlow
from zuko.flows import NSF
from zuko.transforms import ComposedTransform, DependentTransform, MonotonicAffineTransform

from lvm_experiments.distributions import StandardNormal
from lvm_experiments.networks.base import activation_layer
from lvm_experiments.posteriors.flow import AutoregressivePosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import Activation, PositiveInt


class NSFPosterior(AutoregressivePosterior):
    r"""$z = \mu(h) + \sigma(h) \, f_T(\ldots f_1(\epsilon|h) \ldots|h)$, splines f, $\epsilon \sim \mathcal{N}(0, I)$.

    Each f is autoregressive: coordinate i goes through a monotonic rational-quadratic spline on [-5, 5], the
    identity outside, whose knots depend on the coordinates before and the features h by a masked network. Drawing
    takes one pass through each network, the density of a point that was not drawn L passes. The order of dimensions
    is reversed from layer to layer. The splines are near the identity at the start; sigma stays between 1/1000 and
    1000.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        hidden: The sizes of each network's hidden layers.
        activation: After every hidden layer.
        transforms: The number T of layers.
        bins: The number of pieces of each spline.

    Example:
        >>> q = NSFPosterior(features=8, latent_dim=3, hidden=[16])(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((4,))
        >>> torch.allclose(q.log_prob(z), log_q, atol=1e-4)
        True

    References:
        | Neural spline flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        hidden: list[PositiveInt],
        activation: Activation = "elu",
        transforms: PositiveInt = 2,
        bins: PositiveInt = 8,
    ) -> None:
        super().__init__(features, latent_dim)
        self.splines = NSF(
            latent_dim,
            features,
            bins=bins,
            transforms=transforms,
            hidden_features=list(hidden),
            activation=partial(activation_layer, activation),
        ).transform
        for layer in self.splines.transforms:
            near_zero(layer.hyper[-1])

    def layers(self, features: Tensor) -> list[Transform]:
        return [layer(features) for layer in self.splines.transforms]

    def forward(self, features: Tensor) -> NormalizingFlow:
        loc, log_scale = self.parameters_of(features).chunk(2, -1)
        # Last, so that the splines bend noise of unit scale: they end at 5.
        affine = DependentTransform(MonotonicAffineTransform(loc, log_scale), 1)
        return NormalizingFlow(ComposedTransform(*self.layers(features), affine).inv, StandardNormal(loc))
