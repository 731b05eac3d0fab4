"""The contract of likelihoods."""

from __future__ import annotations

__all__ = ["Likelihood"]

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import Observation
from lvm_experiments.spec import DataSpec


class Likelihood(nn.Module, ABC):
    """p(x|z): raw decoder output to an observation distribution.

    A new one states its space, how many parameters a cell has and what may be missing, and writes `forward`;
    the simplest to read is `BernoulliLikelihood`. Its constructor takes `(spec, ...)`.

    Attributes:
        space: The observation space it is a distribution over.
        parameters_per_cell: How many numbers the decoder gives for each cell.
        mask: What may be missing: `cells`, `pixels` (channels coupled), `steps` or None.
        normalised: Whether log_prob is the log of a density or mass that integrates to 1.
        has_moments: Whether p(x|z) knows its mean and variance; else `mean` is what stands for x in another way.
        given: What of x the density is conditional on, for tables ("its total"); empty where it is one of all of x.
        parameter_shape: What the decoder has to give, `(parameters, *shape)`.
    """

    space: ClassVar[str]
    parameters_per_cell: ClassVar[int] = 1
    mask: Literal["cells", "pixels", "steps"] | None = "cells"
    normalised: bool = True
    has_moments: ClassVar[bool] = True
    given: str = ""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec = spec
        self.parameter_shape = (self.parameters_per_cell, *spec.shape)

    @abstractmethod
    def forward(self, raw: Tensor) -> Observation:
        """Raw parameters `(K, B, *parameter_shape)` to a distribution of batch shape `(K, B)`."""

    def link(self, mean: Tensor) -> Tensor | None:
        """What a cell's first raw parameter is where its mean is `mean` and the others are 0; None where none is."""
        return None

    def raw_at_mean(self) -> Tensor | None:
        """Raw parameters whose p(x|z) has the data's mean, shape `(*parameter_shape,)`; None where none are known."""
        first = None if self.spec.mean is None else self.link(self.spec.mean)
        if first is None:
            return None
        return torch.cat([first[None], first.new_zeros(self.parameter_shape[0] - 1, *first.shape)])

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        """Refuses observations outside the support; done once when data are loaded, never in the training step.

        Arguments:
            x: Observations, shape `(B, *shape)`.
            mask: True where a cell was observed.

        Raises:
            ValueError: With the first value that lies outside, or where cells are missing that must not be.
        """
        name = type(self).__name__.lstrip("_")
        if self.mask is None and mask is not None and not bool(mask.all()):
            raise ValueError(f"{name} is a distribution over whole examples, and cells are missing")
        support = self.forward(x.new_zeros((1, 1, *self.parameter_shape), dtype=self._dtype())).support
        cells: Any = getattr(support, "base_constraint", support)
        outside = ~cells.check(x) | ~torch.isfinite(x)
        if mask is not None:
            outside = outside & mask
        if bool(outside.any()):
            value = x[outside][0].item()
            raise ValueError(f"{name} is a distribution over {self.space} values, and the data hold {value:g}")

    def _dtype(self) -> torch.dtype:
        return next((p.dtype for p in self.parameters()), torch.get_default_dtype())
