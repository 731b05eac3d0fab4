"""What posteriors that transform a normal distribution have in common."""

from __future__ import annotations

__all__ = ["AutoregressivePosterior", "FlowPosterior"]

from abc import abstractmethod

from torch import Tensor, nn
from torch.distributions import Transform
from zuko.distributions import NormalizingFlow
from zuko.transforms import ComposedTransform

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import PositiveInt


class FlowPosterior(Posterior):
    r"""$z = f_T(\ldots f_1(z_0|h) \ldots|h)$ with $z_0 \sim \mathcal{N}(\mu(h), \mathrm{diag}(\sigma(h)^2))$.

    $$ \log q(z|x) = \log \mathcal{N}(z_0; \mu, \sigma^2) - \sum_t \log |\det \partial f_t / \partial z_{t-1}| $$

    A draw brings its density along. A new one writes `layers`; the simplest to read is `RadialPosterior`.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
    """

    domain = "real"
    gradient = "reparameterised"
    factorised = False
    has_mean = False

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt) -> None:
        super().__init__()
        self.event_shape = (latent_dim,)
        self.parameters_of = nn.Linear(features, 2 * latent_dim)

    @abstractmethod
    def layers(self, features: Tensor) -> list[Transform]:
        r"""$f_1, \ldots, f_T$ for features of shape `(*batch, F)`, of vectors of shape `(*sample, *batch, L)`."""

    def forward(self, features: Tensor) -> NormalizingFlow:
        base = DiagonalNormal(*self.parameters_of(features).chunk(2, -1))
        # zuko's flows are written from z to the base.
        return NormalizingFlow(ComposedTransform(*self.layers(features)).inv, base)


class AutoregressivePosterior(FlowPosterior):
    """A flow by masked networks: one pass of each for a draw, L for the density of a point that was not drawn.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
    """

    has_density_at = True

    @property
    def passes(self) -> int:
        return self.event_shape[0]

    @property
    def held(self) -> int:
        linear = (part for part in self.modules() if isinstance(part, nn.Linear) and part is not self.parameters_of)
        return self.passes * sum(part.in_features + part.out_features for part in linear)
