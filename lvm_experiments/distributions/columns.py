"""A table whose columns have distributions of their own."""

from __future__ import annotations

__all__ = ["Columns"]

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class Columns(Observation):
    r"""Independent columns, $\log p(x) = \sum_g \log p_g(x_g)$ over groups g of columns of one type.

    Arguments:
        groups: A distribution of batch shape `(K, B)` and event shape `(n_g,)` for each group.
        order: Which columns the groups are of, one group after the other, shape `(D,)`, int64.

    Example:
        >>> from lvm_experiments.distributions import Bernoulli, NormalObservation
        >>> groups = [Bernoulli(torch.zeros(1, 1, 1)), NormalObservation(torch.zeros(1, 1, 2), torch.zeros(()))]
        >>> p = Columns(groups, torch.tensor([1, 0, 2]))
        >>> p.cell_log_prob(torch.tensor([[0.0, 1.0, 0.0]]))
        tensor([[[-0.9189, -0.6931, -0.9189]]])
    """

    filler = 1.0  # a value that every type of column has

    def __init__(self, groups: Sequence[Observation], order: Tensor) -> None:
        self.groups, self.order = groups, order
        self.back = torch.argsort(order)
        self.sizes = [group.event_shape[0] for group in groups]
        super().__init__(groups[0].mean.new_empty(()).expand(*groups[0].batch_shape, len(order)))

    def _together(self, cells: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(cells), -1).index_select(-1, self.back)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        pieces = x.index_select(-1, self.order).split(self.sizes, -1)
        return self._together([g.cell_log_prob(piece) for g, piece in zip(self.groups, pieces, strict=True)])

    @property
    def mean(self) -> Tensor:
        return self._together([group.mean for group in self.groups])

    @property
    def representative(self) -> Tensor:
        return self._together([group.representative for group in self.groups])

    @property
    def variance(self) -> Tensor:
        return self._together([group.variance for group in self.groups])

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self._together([group.sample(sample_shape) for group in self.groups])
