"""What travels from the data to a model."""

from __future__ import annotations

__all__ = ["Batch"]

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(slots=True)
class Batch:
    """B examples and what is known of them. Most fields are None.

    Arguments:
        x: The observations, shape `(B, *shape)`; None when drawing from the prior.
        mask: True where a cell was observed, shape `(B, *cells)`; broadcasts against the cells of the likelihood.
        lengths: Valid steps of a sequence, shape `(B,)`.
        condition: What the model is conditioned on, shape `(B, C)`.
        label: The class of an example, shape `(B,)`.
        index: The number of an example in its data set, shape `(B,)`.
        hidden: True where x holds a value that the mask keeps from the model, to be compared with; broadcasts as it.

    Example:
        >>> batch = Batch.wrap(torch.zeros(3, 4))
        >>> len(batch), batch.mask is None
        (3, True)
    """

    x: Tensor | None
    mask: Tensor | None = None
    lengths: Tensor | None = None
    condition: Tensor | None = None
    label: Tensor | None = None
    index: Tensor | None = None
    hidden: Tensor | None = None

    @classmethod
    def wrap(cls, x: Batch | Tensor) -> Batch:
        """A bare tensor of observations becomes a batch; a batch stays what it is."""
        return x if isinstance(x, Batch) else cls(x)

    def __len__(self) -> int:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None:
                return len(value)
        raise ValueError("an empty batch has no length")

    @property
    def observed(self) -> Tensor | None:
        """Mask and valid steps together, broadcasting against the cells; None where everything is observed."""
        if self.lengths is None:
            return self.mask
        if self.x is None:
            raise ValueError("lengths without observations say nothing of which steps are valid")
        valid = torch.arange(self.x.shape[1], device=self.lengths.device) < self.lengths[:, None]
        valid = valid.reshape(*valid.shape, *[1] * (self.x.ndim - 2))
        return valid if self.mask is None else valid & self.mask

    def replace(self, **changes: Any) -> Batch:
        """The same batch with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """The same batch on another device."""
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return Batch(**{n: None if v is None else v.to(device, non_blocking=non_blocking) for n, v in fields})
