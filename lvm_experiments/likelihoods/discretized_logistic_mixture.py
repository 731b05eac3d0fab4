"""The likelihood of PixelCNN++: a mixture of discretised logistic distributions."""

from __future__ import annotations

__all__ = ["DiscretizedLogisticMixtureLikelihood"]

import torch
from torch import Tensor

from lvm_experiments.distributions import ColourDiscretizedLogisticMixture, DiscretizedLogisticMixture
from lvm_experiments.likelihoods.levels import LevelsLikelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class DiscretizedLogisticMixtureLikelihood(LevelsLikelihood):
    r"""A mixture of M discretised logistic distributions for each cell, or for each pixel of three channels.

    Where images have three channels, the M components are a pixel's, and the means of green and blue move linearly
    with the channels before them, as in PixelCNN++; a pixel is missing as a whole or not at all. All other cells are
    independent. Locations, log scales and weights are predicted, for colours also the coefficients, squashed by tanh;
    the logits of a pixel's weights are the sums of what is predicted for its three channels, so that every cell has
    the same number of parameters.

    Arguments:
        spec: What is known of the data; its `levels` are the bins.
        components: M.
        min_log_scale: The smallest log scale, where the levels span [-1, 1]; -7 is an eighth of a bin of 256.

    Raises:
        ValueError: Where the data have no countable levels.

    Example:
        >>> DiscretizedLogisticMixtureLikelihood(DataSpec("bytes", (1, 8, 8), levels=256)).parameter_shape
        (15, 1, 8, 8)
        >>> DiscretizedLogisticMixtureLikelihood(DataSpec("bytes", (3, 8, 8), levels=256)).mask
        'pixels'

    References:
        | PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood and other modifications
        (Salimans, Karpathy, Chen & Kingma, 2017)
        | https://arxiv.org/abs/1701.05517
    """

    def __init__(self, spec: DataSpec, components: PositiveInt = 5, min_log_scale: float = -7.0) -> None:
        super().__init__(spec)
        self.components, self.min_log_scale = components, min_log_scale
        self.coupled = len(spec.shape) == 3 and spec.shape[0] == 3
        self.mask = "pixels" if self.coupled else "cells"
        self.parameter_shape = ((4 if self.coupled else 3) * components, *spec.shape)

    def forward(self, raw: Tensor) -> DiscretizedLogisticMixture:
        parameters = raw.unflatten(2, (-1, self.components)).movedim(3, -1)
        logits, loc, log_scale = parameters[:, :, :3].unbind(2)
        log_scale = log_scale.clamp_min(self.min_log_scale)
        if not self.coupled:
            return DiscretizedLogisticMixture(logits, loc, log_scale, self.spec.levels)
        coefficients = torch.tanh(parameters[:, :, 3])
        shared = logits.sum(2, keepdim=True)
        return ColourDiscretizedLogisticMixture(shared, loc, log_scale, coefficients, self.spec.levels)

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        super().check(x, mask)
        if self.coupled and mask is not None and not torch.equal(mask.any(-3), mask.all(-3)):
            raise ValueError("the three channels of a pixel are coupled, so it is missing as a whole or not at all")
