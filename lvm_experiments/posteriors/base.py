"""The contract of posteriors."""

from __future__ import annotations

__all__ = ["Posterior"]

from abc import ABC, abstractmethod
from math import prod
from typing import Any, ClassVar, Literal

from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch


class Posterior(nn.Module, ABC):
    """q(z|x): features to a distribution.

    A new one states the facts below, sets `event_shape` and writes `forward`; the simplest to read is
    `DiagonalNormalPosterior`.
    Its constructor takes `(features, latent_dim, ...)`.

    Attributes:
        domain: Where z lives: `real`, `one_hot`, `sphere` or `codes`; must be the prior's.
        gradient: How gradients reach the parameters through a draw.
        has_density_at: Whether log q can be had at a point that q did not draw.
        factorised: Whether the distribution has `log_prob_per_dimension`.
        draws_in_support: Whether a differentiable draw is a value that log q scores; a relaxed one is not.
        has_mean: Whether the distribution has a mean in closed form.
        deterministic: Whether all mass is on one value, so that log weights bound log p(x) and do not estimate it.
        care: What a run with it ought to know, said once when training begins; any part of a model may have one.
        event_shape: The shape of one z, `(L,)` or `(L, classes)`.
    """

    domain: ClassVar[str]
    gradient: ClassVar[Literal["reparameterised", "straight_through", "score"]]
    has_density_at: ClassVar[bool]
    factorised: ClassVar[bool]
    draws_in_support: ClassVar[bool] = True
    has_mean: ClassVar[bool] = True
    deterministic: ClassVar[bool] = False
    care: ClassVar[str] = ""
    event_shape: tuple[int, ...]

    @property
    def passes(self) -> int:
        """How many passes of its networks log q takes at a point that q did not draw."""
        return 1

    @property
    def held(self) -> int:
        """About how many numbers are held while log q is taken at one such point, with gradients."""
        return prod(self.event_shape)

    def bind(self, model: Any) -> None:
        """Gives a posterior the model it needs (a refined one does), to keep in `__dict__`."""

    def refine(self, q: Distribution, batch: Batch) -> Distribution:
        """What becomes of q for the examples it was made of; a semi-amortised family takes steps from there."""
        return q

    @abstractmethod
    def forward(self, features: Tensor) -> Distribution:
        """Features `(*batch, F)` to a distribution of batch shape `(*batch,)`. Never adds a sample axis."""
