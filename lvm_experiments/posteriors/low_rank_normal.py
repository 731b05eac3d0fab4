"""A normal posterior whose covariance is diagonal plus low rank."""

from __future__ import annotations

__all__ = ["LowRankNormalPosterior"]

from torch import Tensor, nn

from lvm_experiments.distributions import LowRankNormal
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import PositiveInt


class LowRankNormalPosterior(Posterior):
    r"""$q(z|x) = \mathcal{N}(\mu(h), \mathrm{diag}(\sigma(h)^2) + W(h) W(h)^\top)$, all linear in the features h.

    W is near zero at the start, where this is the diagonal normal posterior. The KL to a standard normal or
    diagonal normal prior is exact.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        rank: The number R of columns of W.

    Example:
        >>> q = LowRankNormalPosterior(features=8, latent_dim=4, rank=1)(torch.zeros(5, 8))
        >>> q.batch_shape, q.factor.shape
        (torch.Size([5]), torch.Size([5, 4, 1]))

    References:
        | Stochastic backpropagation and approximate inference in deep generative models (Rezende et al., 2014)
        | https://arxiv.org/abs/1401.4082
        | Gaussian covariance and scalable variational inference (Seeger, 2010)
        | https://icml.cc/Conferences/2010/papers/589.pdf
    """

    domain = "real"
    gradient = "reparameterised"
    has_density_at = True
    factorised = False

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, rank: PositiveInt = 2) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.rank = rank
        self.parameters_of = nn.Linear(features, 2 * latent_dim)
        self.factor_of = near_zero(nn.Linear(features, latent_dim * rank), 0.1)

    def forward(self, features: Tensor) -> LowRankNormal:
        loc, log_scale = self.parameters_of(features).chunk(2, -1)
        return LowRankNormal(loc, log_scale, self.factor_of(features).unflatten(-1, (-1, self.rank)))
