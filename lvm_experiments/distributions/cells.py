"""Independent cells of any distribution of torch's."""

from __future__ import annotations

__all__ = ["Cells"]

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class Cells(Observation):
    r"""$p(x|z) = \prod_d p(x_d|z)$ for cells that are one distribution of torch's: the short way to a likelihood.

    Arguments:
        cells: Of batch shape `(K, B, *shape)` and event shape `()`.
        filler: Any value inside its support, which stands in for missing cells.

    Raises:
        ValueError: Where single draws of it are no single cells.

    Example:
        >>> p = Cells(torch.distributions.Gumbel(torch.zeros(2, 3, 4), 1.0))
        >>> p.log_prob(torch.zeros(3, 4)).shape
        torch.Size([2, 3])
    """

    def __init__(self, cells: Distribution, filler: float = 0.0) -> None:
        if cells.event_shape:
            raise ValueError(f"a cell is one number, and draws of {type(cells).__name__} have several")
        self.cells, self.filler = cells, filler
        super().__init__(torch.empty(cells.batch_shape, device="meta"))

    @property
    def support(self) -> Constraint:
        return constraints.independent(self.cells.support, len(self.event_shape))

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return self.cells.log_prob(x)

    @property
    def mean(self) -> Tensor:
        return self.cells.mean

    @property
    def variance(self) -> Tensor:
        return self.cells.variance

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.cells.sample(sample_shape)
