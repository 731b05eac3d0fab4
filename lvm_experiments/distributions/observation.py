"""The distribution p(x|z) of an observation whose cells may be missing."""

from __future__ import annotations

__all__ = ["Observation"]

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.types import _size


class Observation(Distribution, ABC):
    r"""p(x|z) with independent cells, of batch shape `(K, B)` and event shape `shape`.

    $$ \log p(x_{obs} \mid z) = \sum_{d \in obs} \log p(x_d \mid z) $$

    A new one gives `cell_log_prob`, `mean`, `variance`, `sample` and a `filler` inside its support; the simplest
    to read is `Bernoulli`.

    Arguments:
        parameter: Any parameter, shape `(K, B, *shape)`; it tells the shapes.
    """

    filler: float = 0.0
    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    has_rsample = False

    def __init__(self, parameter: Tensor) -> None:
        super().__init__(parameter.shape[:2], parameter.shape[2:], validate_args=False)

    @abstractmethod
    def cell_log_prob(self, x: Tensor) -> Tensor:
        """log p of each cell on its own, shape `(K, B, *shape)`, for x of shape `(B, *shape)` or `(K, B, *shape)`."""

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Nats per example, summed over the observed cells.

        Arguments:
            value: x, shape `(B, *shape)`.
            mask: True where a cell was observed, broadcasting against `(B, *shape)`; what stands in the other
                cells changes nothing.

        Returns:
            Shape `(K, B)`.
        """
        if mask is None:
            return self.cell_log_prob(value).flatten(2).sum(-1)
        cells = self.cell_log_prob(torch.where(mask, value, value.new_tensor(self.filler)))
        return torch.where(mask, cells, cells.new_zeros(())).flatten(2).sum(-1)

    def _takes_whole_examples(self, mask: Tensor | None) -> None:
        """For cells that are coupled: a mask has to hide none of them.

        Raises:
            ValueError: Where it hides some.
        """
        if mask is not None and not bool(mask.all()):
            raise ValueError(f"{type(self).__name__} is a distribution over whole examples, and cells are missing")

    @property
    def representative(self) -> Tensor:
        """One x that stands for p, shape `(K, B, *shape)`: its mean, where a mean of x says anything."""
        return self.mean

    def _noise(self, sample_shape: _size, like: Tensor) -> Tensor:
        return torch.rand(tuple(sample_shape) + tuple(like.shape), dtype=like.dtype, device=like.device)
