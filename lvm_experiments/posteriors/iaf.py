"""A posterior by inverse autoregressive flow."""

from __future__ import annotations

__all__ = ["IAFPosterior"]

from torch import Tensor
from torch.distributions import Transform

from lvm_experiments.networks.autoregressive import autoregressive_layers, inverse_cells
from lvm_experiments.posteriors.flow import FlowPosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import Activation, PositiveInt


class IAFPosterior(FlowPosterior):
    r"""A diagonal normal distribution through autoregressive layers, $z_{t,i} = e^{a_i} z_{t-1,i} + m_i$.

    $a_i$ and $m_i$ depend on $z_{t-1,1}, \ldots, z_{t-1,i-1}$ and the features h by a masked network. A draw is
    one pass through each network at once, the density of a point that was not drawn is one in L steps. The order of
    dimensions is reversed from layer to layer. a and m are near zero at the start, where each layer is the identity;
    |a| stays below log 1000.

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

    has_density_at = True
    runs_networks = True

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        hidden: list[PositiveInt],
        activation: Activation = "elu",
        transforms: PositiveInt = 2,
    ) -> None:
        super().__init__(features, latent_dim)
        self.autoregressive = autoregressive_layers(latent_dim, features, transforms, hidden, activation)
        for layer in self.autoregressive.transforms:
            near_zero(layer.hyper[-1])

    @property
    def density_cells(self) -> int:
        return max(super().density_cells, inverse_cells(self.autoregressive))

    def layers(self, features: Tensor) -> list[Transform]:
        return [layer(features) for layer in self.autoregressive.transforms]
