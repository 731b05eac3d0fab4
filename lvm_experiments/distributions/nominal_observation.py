"""Independent cells that take one of several values without an order."""

from __future__ import annotations

__all__ = ["NominalObservation"]

from torch import Tensor

from lvm_experiments.distributions.categorical_observation import CategoricalObservation


class NominalObservation(CategoricalObservation):
    """Categories whose numbers are names: between the first and the third is not the second.

    Mean and variance are those of the numbers, as draws have them; what stands for x is the most probable category.

    Arguments:
        logits: Shape `(K, B, n, *shape)`.

    Example:
        >>> p = NominalObservation(torch.tensor([0.4, 0.1, 0.5]).log()[None, None, :, None])
        >>> p.mean.round(decimals=4), p.representative
        (tensor([[[1.1000]]]), tensor([[[2.]]]))
    """

    @property
    def representative(self) -> Tensor:
        return self.logits.argmax(2).to(self.logits)
