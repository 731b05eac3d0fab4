"""The map that changes nothing."""

from __future__ import annotations

__all__ = ["Identity"]

from torch import Tensor

from lvm_experiments.observations.base import ObservationMap
from lvm_experiments.spec import DataSpec, as_floating


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
        if not self.source.levels:
            return x
        return (x.round() if rounded else x).clamp(0, self.source.levels - 1)
