"""Logistic likelihoods for real cells, which differ in where the scale comes from."""

from __future__ import annotations

__all__ = ["LogisticLikelihood", "PredictedLogisticLikelihood"]

import math

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import LogisticObservation
from lvm_experiments.likelihoods.real import RealLikelihood
from lvm_experiments.likelihoods.scales import floored
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class LogisticLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{Logistic}(x_d; \mu_d(z), s)$ with one learned $s$.

    Over levels `discretized_logistic` is the same density, integrated over each level's bin.

    Arguments:
        spec: What is known of the data.
        scale: The $s$ to start from; the variance is $\pi^2 s^2 / 3$.

    Example:
        >>> likelihood = LogisticLikelihood(DataSpec("real", (4,)), scale=1.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -5.5452
    """

    def __init__(self, spec: DataSpec, scale: PositiveFloat = 0.2) -> None:
        super().__init__(spec)
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))

    def forward(self, raw: Tensor) -> LogisticObservation:
        return LogisticObservation(raw.squeeze(2), self.log_scale)


class PredictedLogisticLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{Logistic}(x_d; \mu_d(z), s_d(z))$: location and scale are predicted.

    Arguments:
        spec: What is known of the data.
        min_scale: A floor, without which the density of a well predicted cell has no bound.

    Example:
        >>> PredictedLogisticLikelihood(DataSpec("real", (4,))).parameter_shape
        (2, 4)
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, min_scale: PositiveFloat = 1e-3) -> None:
        super().__init__(spec)
        self.min_log_scale = math.log(min_scale)

    def forward(self, raw: Tensor) -> LogisticObservation:
        loc, log_scale = raw.unbind(2)
        return LogisticObservation(loc, floored(log_scale, self.min_log_scale))
