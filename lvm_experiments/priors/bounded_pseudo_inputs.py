"""Pseudo-inputs among the values that data can take."""

from __future__ import annotations

__all__ = ["BoundedPseudoInputs"]

import torch
from torch import Tensor

from lvm_experiments.priors.pseudo_inputs import PseudoInputs
from lvm_experiments.spec import DataSpec

_BOUNDED = ("binary", "bytes", "unit")


class BoundedPseudoInputs(PseudoInputs):
    r"""M learned inputs in front of the embedding, shares of the range of values, clipped to it.

    With $u \in [0, 1]$ after clipping, binary and unit ones are u, and levels are $u \, n - 1/2$, so that the middle of
    each of n bins is the level.

    Arguments:
        spec: What is known of the data.
        number: M.
        mean: Of u, to begin with.
        spread: The standard deviation of u around it.

    Raises:
        ValueError: For values without a range.
    """

    def __init__(self, spec: DataSpec, number: int, *, mean: float, spread: float) -> None:
        if spec.space not in _BOUNDED:
            raise ValueError(
                f"{spec.space} values have no bounds; take vampprior, whose pseudo-inputs have none either"
            )
        super().__init__(spec, number, learned=True, spread=spread)
        with torch.no_grad():
            self.x.add_(mean)

    def embedded(self, x: Tensor) -> Tensor:
        u = x.clamp(0, 1)
        return self.spec.embed(u * self.spec.levels - 0.5 if self.spec.space == "bytes" else u)
