"""A von Mises-Fisher posterior."""

from __future__ import annotations

__all__ = ["VonMisesFisherPosterior"]

from torch import Tensor

from lvm_experiments.distributions import VonMisesFisher
from lvm_experiments.posteriors.sphere import SpherePosterior


class VonMisesFisherPosterior(SpherePosterior):
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

    def around(self, direction: Tensor, concentration: Tensor) -> VonMisesFisher:
        return VonMisesFisher(direction, concentration)
