"""A posterior by planar flow."""

from __future__ import annotations

__all__ = ["PlanarPosterior"]

from torch import Tensor, nn
from torch.distributions import Transform

from lvm_experiments.distributions import PlanarTransform
from lvm_experiments.posteriors.flow import FlowPosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import PositiveInt


class PlanarPosterior(FlowPosterior):
    r"""A diagonal normal distribution through planar layers, $z_t = z_{t-1} + \hat u_t \tanh(w_t^\top z_{t-1} + b_t)$.

    u, w and b of every layer are linear in the features h; u is near zero at the start, where each layer is the
    identity. The density is known for draws only.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        transforms: The number T of layers.

    Example:
        >>> q = PlanarPosterior(features=8, latent_dim=2, transforms=4)(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((3,))
        >>> z.shape, log_q.shape
        (torch.Size([3, 5, 2]), torch.Size([3, 5]))

    References:
        | Variational inference with normalizing flows (Rezende & Mohamed, 2015)
        | https://arxiv.org/abs/1505.05770
    """

    has_density_at = False

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, transforms: PositiveInt = 10) -> None:
        super().__init__(features, latent_dim)
        self.transforms = transforms
        self.planes_of = nn.Linear(features, transforms * (latent_dim + 1))
        self.strengths_of = near_zero(nn.Linear(features, transforms * latent_dim))

    def layers(self, features: Tensor) -> list[Transform]:
        planes = self.planes_of(features).chunk(self.transforms, -1)
        strengths = self.strengths_of(features).chunk(self.transforms, -1)
        pairs = zip(strengths, planes, strict=True)
        return [PlanarTransform(u, plane[..., :-1], plane[..., -1]) for u, plane in pairs]
