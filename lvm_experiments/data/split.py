"""Examples that fit into memory, batched by index."""

from __future__ import annotations

__all__ = ["Split"]

import dataclasses
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lvm_experiments.batch import Batch


@dataclass
class Split:
    """N examples held as tensors.

    Arguments:
        x: The observations in their raw type and units, shape `(N, *shape)`.
        label: The class of each example, shape `(N,)`, int64.
        mask: True where a cell was observed, shape `(N, *shape)`, bool.
        lengths: Valid steps of each sequence, shape `(N,)`, int64.
        condition: What each example is conditioned on, shape `(N, C)`.

    Example:
        >>> import torch
        >>> split = Split(torch.arange(6).reshape(3, 2))
        >>> split.take(torch.tensor([2, 0])).x.tolist()
        [[4, 5], [0, 1]]
    """

    x: Tensor
    label: Tensor | None = None
    mask: Tensor | None = None
    lengths: Tensor | None = None
    condition: Tensor | None = None
    hidden: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Batch:
        """The examples with these numbers as one batch.

        Arguments:
            rows: Numbers of examples in this split, shape `(B,)`, int64.
        """
        chosen = self.select(rows)
        return Batch(
            chosen.x,
            mask=chosen.mask,
            lengths=chosen.lengths,
            condition=chosen.condition,
            label=chosen.label,
            index=rows,
            hidden=chosen.hidden,
        )

    def select(self, rows: Tensor) -> Split:
        """A split of the examples with these numbers, in this order, numbered anew.

        Arguments:
            rows: Numbers of examples in this split, shape `(M,)`, int64.
        """
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        changes: dict[str, Any] = {n: v.index_select(0, rows) for n, v in given.items() if v is not None}
        return dataclasses.replace(self, **changes)
