"""Laplace likelihoods, which differ in where the scale comes from."""

from __future__ import annotations

__all__ = ["LaplaceLikelihood", "PredictedLaplaceLikelihood"]

import math

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import LaplaceObservation
from lvm_experiments.likelihoods.real import RealLikelihood
from lvm_experiments.likelihoods.scales import floored
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class LaplaceLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d \frac{1}{2b} e^{-|x_d - \mu_d(z)| / b}$ with one learned $b$: the absolute error, normalised.

    Arguments:
        spec: What is known of the data.
        scale: The $b$ to start from; the variance is $2 b^2$.

    Example:
        >>> likelihood = LaplaceLikelihood(DataSpec("real", (4,)), scale=1.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -2.7726
    """

    def __init__(self, spec: DataSpec, scale: PositiveFloat = 0.2) -> None:
        super().__init__(spec)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, raw: Tensor) -> LaplaceObservation:
        return LaplaceObservation(raw.squeeze(2), self.log_scale)


class PredictedLaplaceLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d \frac{1}{2 b_d(z)} e^{-|x_d - \mu_d(z)| / b_d(z)}$: location and scale are predicted.

    Arguments:
        spec: What is known of the data.
        min_scale: A floor, without which the density of a well predicted cell has no bound.

    Example:
        >>> PredictedLaplaceLikelihood(DataSpec("real", (4,))).parameter_shape
        (2, 4)
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, min_scale: PositiveFloat = 1e-3) -> None:
        super().__init__(spec)
        self.min_log_scale = math.log(min_scale)

    def forward(self, raw: Tensor) -> LaplaceObservation:
        loc, log_scale = raw.unbind(2)
        return LaplaceObservation(loc, floored(log_scale, self.min_log_scale))
