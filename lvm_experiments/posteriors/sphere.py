"""What posteriors on the sphere have in common."""

from __future__ import annotations

__all__ = ["SpherePosterior"]

from abc import abstractmethod

from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn.functional import normalize, softplus

from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import PositiveInt


class SpherePosterior(Posterior):
    r"""A direction $\mu$ and a concentration $\kappa \ge 1$ from one linear layer; a family says what it makes of them.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of dimensions that the sphere lies in, at least 2; its own are L - 1.

    Raises:
        ValueError: For a sphere in one dimension, which is two points.
    """

    domain = "sphere"
    gradient = "reparameterised"
    has_density_at = True
    factorised = False

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt) -> None:
        if latent_dim < 2:
            raise ValueError("a sphere in one dimension is two points; take model.latent_dim of 2 or more")
        super().__init__()
        self.event_shape = (latent_dim,)
        self.parameters_of = nn.Linear(features, latent_dim + 1)

    @abstractmethod
    def around(self, direction: Tensor, concentration: Tensor) -> Distribution:
        """The distribution, for directions `(*batch, L)` and concentrations `(*batch,)`."""

    def forward(self, features: Tensor) -> Distribution:
        raw = self.parameters_of(features)
        return self.around(normalize(raw[..., :-1], dim=-1), 1 + softplus(raw[..., -1]))
