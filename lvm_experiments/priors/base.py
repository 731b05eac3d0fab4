"""The contract of priors."""

from __future__ import annotations

__all__ = ["Prior"]

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.distributions import Distribution


class Prior(nn.Module, ABC):
    """p(z), or p(z|c) where the model is conditioned on something.

    A new one states its domain and writes `forward`; the simplest to read is `StandardNormalPrior`.
    Its constructor takes `(event_shape, spec, ...)`.

    Attributes:
        domain: Where z lives, which must be the posterior's; None: wherever the posterior's does.
        conditional: Whether it is a distribution given a condition, and of no use without one.
    """

    domain: ClassVar[str | None]
    conditional: ClassVar[bool] = False

    def bind(self, model: Any) -> None:
        """Gives a prior the model it needs (a VampPrior does), to keep in `__dict__`: nothing is registered twice."""

    @abstractmethod
    def forward(self, condition: Tensor | None = None) -> Distribution:
        """A distribution of batch shape `()`, or `(B,)` for a condition of shape `(B, C)`."""
