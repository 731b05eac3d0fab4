"""A normal posterior with a diagonal covariance."""

from __future__ import annotations

__all__ = ["DiagonalNormalPosterior"]

from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.networks.initialisation import initialise
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import Initialisation, PositiveInt


class DiagonalNormalPosterior(Posterior):
    r"""$q(z|x) = \mathcal{N}(\mu(h), \mathrm{diag}(\sigma(h)^2))$ with $\mu$, $\log \sigma$ linear in the features h.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        initialisation: Of the weights: torch's own, `glorot` or `he`.

    Example:
        >>> q = DiagonalNormalPosterior(features=8, latent_dim=2)(torch.zeros(5, 8))
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([2]))

    References:
        | Auto-encoding variational Bayes (Kingma & Welling, 2013)
        | https://arxiv.org/abs/1312.6114
    """

    domain = "real"
    gradient = "reparameterised"
    has_density_at = True
    factorised = True

    def __init__(
        self, features: PositiveInt, latent_dim: PositiveInt, initialisation: Initialisation = "default"
    ) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.parameters_of = nn.Linear(features, 2 * latent_dim)
        initialise(self, initialisation, pieces=2)

    def forward(self, features: Tensor) -> DiagonalNormal:
        loc, raw = self.parameters_of(features).chunk(2, -1)
        return DiagonalNormal(loc, self.log_scale(raw))

    def log_scale(self, raw: Tensor) -> Tensor:
        r"""$\log \sigma$ of what the layer returns; a variant of the family has another."""
        return raw
