"""A normal posterior with a full covariance."""

from __future__ import annotations

__all__ = ["FullNormalPosterior"]

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal

from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import PositiveInt


class FullNormalPosterior(Posterior):
    r"""$q(z|x) = \mathcal{N}(\mu(h), C(h) C(h)^\top)$ with C lower triangular.

    The logarithm of C's diagonal and what is below it are linear in the features h. What is below is near zero at the
    start, where this is the diagonal normal posterior. The KL to a standard normal or diagonal normal prior is exact.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions; the last layer has L (L + 3) / 2 outputs.

    Example:
        >>> q = FullNormalPosterior(features=8, latent_dim=3)(torch.zeros(5, 8))
        >>> q.batch_shape, q.scale_tril.shape
        (torch.Size([5]), torch.Size([5, 3, 3]))

    References:
        | Improving variational autoencoders with inverse autoregressive flow (Kingma et al., 2016), appendix A
        | https://arxiv.org/abs/1606.04934
    """

    domain = "real"
    gradient = "reparameterised"
    has_density_at = True
    factorised = False

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.parameters_of = nn.Linear(features, 2 * latent_dim)
        below = latent_dim * (latent_dim - 1) // 2
        self.correlations_of = near_zero(nn.Linear(features, below), 0.1) if below else None

    def forward(self, features: Tensor) -> MultivariateNormal:
        loc, log_scale = self.parameters_of(features).chunk(2, -1)
        scale_tril = torch.diag_embed(log_scale.exp())
        if self.correlations_of is not None:
            length = self.event_shape[0]
            row, column = torch.tril_indices(length, length, -1, device=features.device)
            scale_tril[..., row, column] = self.correlations_of(features)
        return MultivariateNormal(loc, scale_tril=scale_tril, validate_args=False)
