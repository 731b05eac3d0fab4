"""A normal posterior with a diagonal covariance."""

from __future__ import annotations

__all__ = ["DiagonalNormalPosterior"]

from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import PositiveInt


class DiagonalNormalPosterior(Posterior):
    r"""$q(z|x) = \mathcal{N}(\mu(h), \mathrm{diag}(\sigma(h)^2))$ with $\mu$, $\log \sigma$ linear in the features h.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.

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

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.parameters_of = nn.Linear(features, 2 * latent_dim)

    def forward(self, features: Tensor) -> DiagonalNormal:
        loc, log_scale = self.parameters_of(features).chunk(2, -1)
        return DiagonalNormal(loc, log_scale)
