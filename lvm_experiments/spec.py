"""What a model has to know of the data it is built for."""

from __future__ import annotations

__all__ = ["DataSpec"]

import dataclasses
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class DataSpec:
    """The observation space of a data set and its summary: all that building a model needs, so that loading one needs no data.

    Arguments:
        space: The observation space: `binary`, `bytes`, `unit`, `real`, `counts`, `tokens` or `mixed`.
        shape: The shape of one example: `(C, H, W)`, `(D,)` or `(T,)`.
        levels: How many values a cell can take, where they are countable (256 for bytes, 2 for binary); else 0.
        classes: How many labels there are; 0 without labels.
        size: The number of training examples.
        mean: The training mean of each cell, in x's own units, shape `shape`.
        std: The training standard deviation of each cell, likewise.
        columns: The types of a table's columns.

    Example:
        >>> spec = DataSpec("bytes", (1, 8, 8), levels=17)
        >>> spec.dims
        64
        >>> DataSpec.from_json(spec.to_json()) == spec
        True
    """

    space: str
    shape: tuple[int, ...]
    levels: int = 0
    classes: int = 0
    size: int = 0
    mean: Tensor | None = None
    std: Tensor | None = None
    columns: tuple[Any, ...] = ()

    @property
    def dims(self) -> int:
        """The number D of observed dimensions; channels count."""
        return prod(self.shape)

    def embed(self, x: Tensor) -> Tensor:
        """Scales x for encoders: countable levels to [-1, 1], everything else as it is.

        Arguments:
            x: Values in this space, shape `(*, *shape)`.
        """
        if self.space == "bytes":
            return (2 * x.float() + 1) / self.levels - 1
        return x if x.is_floating_point() else x.float()

    def replace(self, **changes: Any) -> DataSpec:
        """The same description with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain containers only, to be written to a file."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain["shape"], plain["columns"] = list(self.shape), list(self.columns)
        for name in ("mean", "std"):
            plain[name] = None if plain[name] is None else plain[name].flatten().tolist()
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> DataSpec:
        """What `to_json` wrote, read back."""
        fields = dict(plain, shape=tuple(plain["shape"]), columns=tuple(plain["columns"]))
        for name in ("mean", "std"):
            if fields[name] is not None:
                fields[name] = torch.tensor(fields[name], dtype=torch.float32).reshape(fields["shape"])
        return cls(**fields)
