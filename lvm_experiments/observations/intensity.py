"""Grey levels read as numbers in [0, 1]."""

from __future__ import annotations

__all__ = ["Intensity"]

from torch import Tensor

from lvm_experiments.observations.base import ObservationMap
from lvm_experiments.spec import DataSpec, as_floating


class Intensity(ObservationMap):
    """x / (levels - 1), without dequantisation: a density of it says nothing of the levels, so none is reported.

    Arguments:
        source: What is known of the data.

    Example:
        >>> Intensity(DataSpec("bytes", (3,), levels=256))(torch.tensor([[0, 51, 255]]))
        tensor([[0.0000, 0.2000, 1.0000]])
    """

    lossless = False

    def __init__(self, source: DataSpec) -> None:
        super().__init__(source)
        if source.space not in ("binary", "bytes", "unit"):
            raise self._refuse("unit", can=("binary", "bytes", "unit"))
        self.top = max(source.levels - 1, 1)
        self.description = "unit (grey levels as they are)"
        mean = None if source.mean is None else source.mean / self.top
        std = None if source.std is None else source.std / self.top
        self.spec = source.replace(space="unit", levels=0, mean=mean, std=std)

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return as_floating(x) / self.top

    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        if not self.source.levels:
            return x
        values = x * self.top
        return (values.round() if rounded else values).clamp(0, self.top)
