"""A posterior by radial flow."""

from __future__ import annotations

__all__ = ["RadialPosterior"]

from torch import Tensor, nn
from torch.distributions import Transform

from lvm_experiments.distributions import RadialTransform
from lvm_experiments.posteriors.flow import FlowPosterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.types import PositiveInt


class RadialPosterior(FlowPosterior):
    r"""A diagonal normal distribution through layers $z_t = z_{t-1} + \beta_t (z_{t-1} - c_t) / (\alpha_t + r_t)$.

    $r_t$ is the distance from the centre $c_t$. Centre, $\alpha$ and $\beta$ of every layer depend on the features h
    by linear functions; $\beta$ is near zero at the start, where each layer is the identity.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        transforms: The number T of layers.

    Example:
        >>> q = RadialPosterior(features=8, latent_dim=2, transforms=4)(torch.zeros(5, 8))
        >>> z, log_q = q.rsample_and_log_prob((3,))
        >>> torch.allclose(q.log_prob(z), log_q, atol=1e-4)
        True

    References:
        | Variational inference with normalizing flows (Rezende & Mohamed, 2015)
        | https://arxiv.org/abs/1505.05770
    """

    has_density_at = True

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, transforms: PositiveInt = 10) -> None:
        super().__init__(features, latent_dim)
        self.transforms = transforms
        self.centres_of = nn.Linear(features, transforms * (latent_dim + 1))
        self.strengths_of = near_zero(nn.Linear(features, transforms))

    def layers(self, features: Tensor) -> list[Transform]:
        centres = self.centres_of(features).chunk(self.transforms, -1)
        strengths = self.strengths_of(features).unbind(-1)
        pairs = zip(centres, strengths, strict=True)
        return [RadialTransform(centre[..., :-1], centre[..., -1], b) for centre, b in pairs]
