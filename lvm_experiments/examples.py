"""Training examples, as the parts of a model may ask for them before training."""

from __future__ import annotations

__all__ = ["Examples"]

from typing import Protocol

from lvm_experiments.batch import Batch


class Examples(Protocol):
    """n training examples in the likelihood's space, the same at every call; all of them for None."""

    def __call__(self, n: int | None = None) -> Batch: ...
