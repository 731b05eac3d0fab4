"""A distribution of a latent variable given another."""

from __future__ import annotations

__all__ = ["ConditionalLayer"]

from collections.abc import Callable

from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.models.parts import build_part
from lvm_experiments.networks.initialisation import initialise
from lvm_experiments.networks.mlp import mlp_layers
from lvm_experiments.posteriors import Posterior
from lvm_experiments.types import Initialisation, LayerActivation, PositiveInt


class ConditionalLayer(nn.Module):
    """A small network, and a distribution of the posterior's family from what it returns.

    Arguments:
        posterior: What is called with `(features, latent_dim)`.
        inputs: The length of what is conditioned on.
        latent_dim: The number L of dimensions.
        hidden: The sizes of the hidden layers.
        activation: After every one of them; `glu` is of gated layers.
        initialisation: Of their weights.

    Attributes:
        event_shape: The shape of one z.
    """

    def __init__(
        self,
        posterior: Callable[..., Posterior] | None,
        inputs: PositiveInt,
        latent_dim: PositiveInt,
        hidden: list[PositiveInt],
        activation: LayerActivation,
        initialisation: Initialisation = "default",
    ) -> None:
        super().__init__()
        self.network = nn.Sequential(*mlp_layers(inputs, hidden, activation))
        initialise(self.network, initialisation)
        self.posterior = build_part("posterior", posterior, hidden[-1] if hidden else inputs, latent_dim)
        self.event_shape = self.posterior.event_shape

    def forward(self, h: Tensor) -> Distribution:
        return self.posterior(self.network(h))
