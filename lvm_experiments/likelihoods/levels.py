"""What likelihoods of countable levels have in common."""

from __future__ import annotations

__all__ = ["LevelsLikelihood"]

from abc import ABC

from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec


class LevelsLikelihood(Likelihood, ABC):
    """Cells that take one of so many levels, from 0 on.

    Arguments:
        spec: What is known of the data, `levels` among it.

    Raises:
        ValueError: Where the data have no countable levels.
    """

    space = "bytes"

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        if spec.levels < 2:
            raise ValueError(f"{type(self).__name__} takes data of at least 2 levels, and these have {spec.levels}")
