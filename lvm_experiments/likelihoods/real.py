"""What likelihoods of real cells have in common."""

from __future__ import annotations

__all__ = ["RealLikelihood"]

from abc import ABC

from torch import Tensor

from lvm_experiments.likelihoods.base import Likelihood


class RealLikelihood(Likelihood, ABC):
    """Independent real cells about a location, which is a cell's first parameter and its mean."""

    space = "real"

    def link(self, mean: Tensor) -> Tensor:
        return mean
