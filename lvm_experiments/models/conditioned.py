"""What models of data that may come with conditions have in common."""

from __future__ import annotations

__all__ = ["ConditionedModel", "followed_by"]

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.examples import Examples
from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.spec import DataSpec

_KEPT = 64  # conditions of training examples, to draw from the prior with


class ConditionedModel(LatentVariableModel):
    """A model given what its data are conditioned on, where they are.

    Arguments:
        spec: What is known of the data, in the likelihood's space; its `condition` is the length C.
    """

    known_conditions: Tensor

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec = spec
        if spec.condition:
            self.register_buffer("known_conditions", torch.zeros(_KEPT, spec.condition))

    def prepare(self, examples: Examples) -> None:
        super().prepare(examples)
        if self.spec.condition:
            known = self.condition_of(examples(_KEPT))
            assert known is not None
            self.known_conditions = known[torch.arange(_KEPT) % len(known)].to(self.known_conditions)

    def condition_of(self, batch: Batch) -> Tensor | None:
        if self.spec.condition and batch.condition is None:
            raise ValueError("the model was built for data with conditions, and these have none")
        return batch.condition

    def conditions(self, n: int) -> Tensor | None:
        """Those of training examples, in turn."""
        if not self.spec.condition:
            return None
        return self.known_conditions[torch.arange(n) % _KEPT]


def followed_by(x: Tensor, condition: Tensor | None) -> Tensor:
    """x of shape `(..., B, F)` with the condition `(B, C)` appended, shape `(..., B, F + C)`."""
    if condition is None:
        return x
    return torch.cat([x, condition.to(x).expand(*x.shape[:-1], -1)], -1)
