"""A power spherical posterior."""

from __future__ import annotations

__all__ = ["PowerSphericalPosterior"]

from torch import Tensor

from lvm_experiments.distributions import PowerSpherical
from lvm_experiments.posteriors.sphere import SpherePosterior


class PowerSphericalPosterior(SpherePosterior):
    r"""$q(z|x) \propto (1 + \mu(h)^\top z)^{\kappa(h)}$ on the unit sphere in L dimensions.

    $$ \mu = \frac{W h + b}{|W h + b|}, \qquad \kappa = 1 + \mathrm{softplus}(w^\top h + c) $$

    Much like von Mises' and Fisher's, without Bessel functions and without rejection. Gradients of draws are implicit.
    The density is 0 opposite $\mu$, where a prior need not be: the variance of importance weights is infinite for
    $\kappa \ge (L - 1) / 2$, while bounds are fine; von Mises' and Fisher's are bounded.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of dimensions that the sphere lies in, at least 2; its own are L - 1.

    Raises:
        ValueError: For a sphere in one dimension, which is two points.

    Example:
        >>> q = PowerSphericalPosterior(features=8, latent_dim=3)(torch.zeros(5, 8))
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([3]))

    References:
        | The power spherical distribution (De Cao & Aziz, 2020)
        | https://arxiv.org/abs/2006.04437
    """

    def around(self, direction: Tensor, concentration: Tensor) -> PowerSpherical:
        return PowerSpherical(direction, concentration)
