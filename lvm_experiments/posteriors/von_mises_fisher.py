"""A von Mises-Fisher posterior."""

from __future__ import annotations

__all__ = ["VonMisesFisherPosterior"]

from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from lvm_experiments.distributions import VonMisesFisher
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import PositiveInt


class VonMisesFisherPosterior(Posterior):
    r"""$q(z|x) = \mathrm{vMF}(\mu(h), \kappa(h))$ on the unit sphere in L dimensions.

    $$ \mu = \frac{W h + b}{|W h + b|}, \qquad \kappa = 1 + \mathrm{softplus}(w^\top h + c) $$

    One concentration for all directions. Draws are by acceptance and rejection; their gradients are implicit, of
    the distribution functions themselves, and unbiased: the paper's correction term has no part in them.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of dimensions that the sphere lies in, at least 2; its own are L - 1.

    Raises:
        ValueError: For a sphere in one dimension, which is two points.

    Example:
        >>> q = VonMisesFisherPosterior(features=8, latent_dim=3)(torch.zeros(5, 8))
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([3]))

    References:
        | Hyperspherical variational auto-encoders (Davidson et al., 2018)
        | https://arxiv.org/abs/1804.00891
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

    def forward(self, features: Tensor) -> VonMisesFisher:
        raw = self.parameters_of(features)
        return VonMisesFisher(normalize(raw[..., :-1], dim=-1), 1 + softplus(raw[..., -1]))
