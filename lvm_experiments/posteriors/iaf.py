"""A posterior by inverse autoregressive flow."""

from __future__ import annotations

__all__ = ["IAFPosterior"]

from functools import partial

from torch import Tensor
from torch.distributions import Transform
from zuko.flows import MAF

from lvm_experiments.networks.base import activation_layer
from lvm_experiments.posteriors.flow import AutoregressivePosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import Activation, PositiveInt


class IAFPosterior(AutoregressivePosterior):
    r"""A diagonal normal distribution through autoregressive layers, $z_{t,i} = e^{a_i} z_{t-1,i} + m_i$.

    $a_i$ and $m_i$ depend on $z_{t-1,1}, \ldots, z_{t-1,i-1}$ and the features h by a masked network. Drawing
    takes one pass through each network, the density of a point that was not drawn L passes. The order of dimensions
    is reversed from layer to layer. a and m are near zero at the start, where each layer is the identity; |a| stays
    below log 1000.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        hidden: The sizes of each network's hidden layers.
        activation: After every hidden layer.
        transforms: The number T of layers.

    Example:
        >>> q = IAFPosterior(features=8, latent_dim=3, hidden=[16])(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((4,))
        >>> torch.allclose(q.log_prob(z), log_q, atol=1e-4)
        True

    References:
        | Improving variational autoencoders with inverse autoregressive flow (Kingma et al., 2016)
        | https://arxiv.org/abs/1606.04934
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        hidden: list[PositiveInt],
        activation: Activation = "elu",
        transforms: PositiveInt = 2,
    ) -> None:
        super().__init__(features, latent_dim)
        self.autoregressive = MAF(
            latent_dim,
            features,
            transforms=transforms,
            hidden_features=list(hidden),
            activation=partial(activation_layer, activation),
        ).transform
        for layer in self.autoregressive.transforms:
            near_zero(layer.hyper[-1])

    def layers(self, features: Tensor) -> list[Transform]:
        # Forwards: zuko's MAF would draw by the inverse.
        return [layer(features) for layer in self.autoregressive.transforms]
