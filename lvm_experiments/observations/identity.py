"""The map that changes nothing."""

from __future__ import annotations

__all__ = ["Identity"]

import torch
from torch import Tensor

from lvm_experiments.observations.base import ObservationMap
from lvm_experiments.spec import DataSpec, as_floating, categories


class Identity(ObservationMap):
    """The data as they are.

    Arguments:
        source: What is known of the data.

    Example:
        >>> Identity(DataSpec("bytes", (2,), levels=17))(torch.tensor([[0, 16]], dtype=torch.uint8))
        tensor([[ 0., 16.]])
    """

    lossless = True

    def __init__(self, source: DataSpec) -> None:
        super().__init__(source)
        self.description = f"{source.space}, {source.levels} levels" if source.levels > 2 else source.space

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return as_floating(x)

    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        if not rounded:
            return x.clamp(0, self.source.levels - 1) if self.source.levels else x
        if self.source.space == "mixed":
            columns = zip(self.source.columns, x.unbind(-1), strict=True)
            return torch.stack([_nearest(kind, categories(kind), column) for kind, column in columns], -1)
        return _nearest(self.source.space, self.source.levels, x)


def _nearest(space: str, levels: int, x: Tensor) -> Tensor:
    """The nearest values that a space, or a column of this type, has."""
    if levels or space == "binary":
        return x.round().clamp(0, max(levels, 2) - 1)
    if space == "counts":
        return x.round().clamp_min(0)
    return x.clamp_min(torch.finfo(x.dtype).tiny) if space == "positive" else x
