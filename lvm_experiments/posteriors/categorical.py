"""Posteriors over categories, which differ in how gradients pass a draw."""

from __future__ import annotations

__all__ = ["CategoricalPosterior", "RelaxedCategoricalPosterior", "StraightThroughCategoricalPosterior"]

from torch import Tensor, nn

from lvm_experiments.distributions import OneHot, RelaxedOneHot, StraightThroughOneHot
from lvm_experiments.posteriors.base import Posterior
from lvm_experiments.types import AtLeastTwo, PositiveFloat, PositiveInt


class _Categories(Posterior):
    """L categorical variables whose logits are linear in the features."""

    domain = "one_hot"
    has_density_at = True
    factorised = True

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, classes: AtLeastTwo) -> None:
        super().__init__()
        self.event_shape = (latent_dim, classes)
        self.linear = nn.Linear(features, latent_dim * classes)

    def logits(self, features: Tensor) -> Tensor:
        return self.linear(features).unflatten(-1, self.event_shape)


class CategoricalPosterior(_Categories):
    r"""$q(z|x) = \prod_l \mathrm{Cat}(z_l; \mathrm{softmax}(W_l h))$, whose draws pass no gradient.

    Objectives estimate the gradient by the score function; its variance is high, more draws lower it.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of categorical variables.
        classes: The number of categories of each.

    Example:
        >>> q = CategoricalPosterior(features=8, latent_dim=2, classes=10)(torch.zeros(5, 8))
        >>> q.batch_shape, q.event_shape
        (torch.Size([5]), torch.Size([2, 10]))

    References:
        | Variational inference for Monte Carlo objectives (Mnih & Rezende, 2016), https://arxiv.org/abs/1602.06725
    """

    gradient = "score"

    def __init__(self, features: PositiveInt, latent_dim: PositiveInt, classes: AtLeastTwo = 10) -> None:
        super().__init__(features, latent_dim, classes)

    def forward(self, features: Tensor) -> OneHot:
        return OneHot(self.logits(features), 2)


class RelaxedCategoricalPosterior(_Categories):
    r"""The same family, trained with draws from the simplex (Gumbel-Softmax) and evaluated with categories.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of categorical variables.
        classes: The number of categories of each.
        temperature: Of the relaxation; towards 0 draws come near the corners, and gradients vary more.

    Example:
        >>> q = RelaxedCategoricalPosterior(features=8, latent_dim=2, classes=3)(torch.zeros(5, 8))
        >>> bool((q.rsample() < 1).all()), bool((q.sample().max(-1).values == 1).all())
        (True, True)

    References:
        | Categorical reparameterization with Gumbel-Softmax (Jang, Gu & Poole, 2016), https://arxiv.org/abs/1611.01144
        | The concrete distribution (Maddison, Mnih & Teh, 2016), https://arxiv.org/abs/1611.00712
    """

    gradient = "reparameterised"
    draws_in_support = False
    care = "training is on relaxed draws, evaluation on categories: two different bounds"

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        classes: AtLeastTwo = 10,
        temperature: PositiveFloat = 0.5,
    ) -> None:
        super().__init__(features, latent_dim, classes)
        self.temperature = temperature

    def forward(self, features: Tensor) -> OneHot:
        return RelaxedOneHot(self.logits(features), 2, self.temperature)


class StraightThroughCategoricalPosterior(_Categories):
    r"""The same family, trained with categories and the gradient of relaxed draws, which is biased.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of categorical variables.
        classes: The number of categories of each.
        temperature: Of the relaxation that the gradient is of.

    Example:
        >>> q = StraightThroughCategoricalPosterior(features=8, latent_dim=2, classes=3)(torch.zeros(5, 8))
        >>> bool((q.rsample().max(-1).values == 1).all())
        True

    References:
        | Estimating or propagating gradients through stochastic neurons (Bengio, Leonard & Courville, 2013)
        | https://arxiv.org/abs/1308.3432
    """

    gradient = "straight_through"
    care = "the gradient through its draws is that of relaxed ones, and biased"

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        classes: AtLeastTwo = 10,
        temperature: PositiveFloat = 0.5,
    ) -> None:
        super().__init__(features, latent_dim, classes)
        self.temperature = temperature

    def forward(self, features: Tensor) -> OneHot:
        return StraightThroughOneHot(self.logits(features), 2, self.temperature)
