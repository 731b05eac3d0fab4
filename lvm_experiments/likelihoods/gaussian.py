"""Gaussian likelihoods, which differ in where the variance comes from."""

from __future__ import annotations

__all__ = [
    "FixedGaussianLikelihood",
    "GaussianLikelihood",
    "PerDimensionGaussianLikelihood",
    "PredictedGaussianLikelihood",
]

import math

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import NormalObservation
from lvm_experiments.likelihoods.real import RealLikelihood
from lvm_experiments.likelihoods.scales import floored
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class GaussianLikelihood(RealLikelihood):
    r"""$p(x|z) = \mathcal{N}(x; \mu(z), \sigma^2 I)$ with one learned $\sigma$.

    Arguments:
        spec: What is known of the data.
        variance: The $\sigma^2$ to start from.

    Example:
        >>> likelihood = GaussianLikelihood(DataSpec("real", (4,)), variance=1.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -3.6758

    References:
        | Simple and effective VAE training with calibrated decoders (Rybkin, Daniilidis & Levine, 2021)
        | https://arxiv.org/abs/2006.13202
    """

    def __init__(self, spec: DataSpec, variance: PositiveFloat = 0.1) -> None:
        super().__init__(spec)
        self.log_scale = nn.Parameter(torch.tensor(0.5 * math.log(variance)))

    def forward(self, raw: Tensor) -> NormalObservation:
        return NormalObservation(raw.squeeze(2), self.log_scale)


class FixedGaussianLikelihood(RealLikelihood):
    r"""$p(x|z) = \mathcal{N}(x; \mu(z), \sigma^2 I)$ with a given $\sigma^2$.

    Arguments:
        spec: What is known of the data.
        variance: $\sigma^2$.

    Example:
        >>> likelihood = FixedGaussianLikelihood(DataSpec("real", (4,)), variance=1.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -3.6758
    """

    log_scale: Tensor

    def __init__(self, spec: DataSpec, variance: PositiveFloat = 0.1) -> None:
        super().__init__(spec)
        self.register_buffer("log_scale", torch.tensor(0.5 * math.log(variance)), persistent=False)

    def forward(self, raw: Tensor) -> NormalObservation:
        return NormalObservation(raw.squeeze(2), self.log_scale)


class PerDimensionGaussianLikelihood(RealLikelihood):
    r"""$p(x|z) = \mathcal{N}(x; \mu(z), \mathrm{diag}(\sigma^2))$ with a learned $\sigma_d$ for every cell.

    Arguments:
        spec: What is known of the data.
        variance: The $\sigma_d^2$ to start from.
        min_variance: A floor, without which a cell that never varies has no bound on its density.

    Example:
        >>> PerDimensionGaussianLikelihood(DataSpec("real", (4,))).log_scale.shape
        torch.Size([4])
    """

    def __init__(self, spec: DataSpec, variance: PositiveFloat = 0.1, min_variance: PositiveFloat = 1e-6) -> None:
        super().__init__(spec)
        self.log_scale = nn.Parameter(torch.full(spec.shape, 0.5 * math.log(variance)))
        self.min_log_scale = 0.5 * math.log(min_variance)

    def forward(self, raw: Tensor) -> NormalObservation:
        return NormalObservation(raw.squeeze(2), floored(self.log_scale, self.min_log_scale))


class PredictedGaussianLikelihood(RealLikelihood):
    r"""$p(x|z) = \mathcal{N}(x; \mu(z), \mathrm{diag}(\sigma(z)^2))$: mean and scale are predicted.

    Arguments:
        spec: What is known of the data.
        min_variance: A floor, without which the density of a well predicted cell has no bound (Mattei & Frellsen,
            2018, arXiv 1802.04826).

    Example:
        >>> PredictedGaussianLikelihood(DataSpec("real", (4,))).parameter_shape
        (2, 4)
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, min_variance: PositiveFloat = 1e-6) -> None:
        super().__init__(spec)
        self.min_log_scale = 0.5 * math.log(min_variance)

    def forward(self, raw: Tensor) -> NormalObservation:
        loc, log_scale = raw.unbind(2)
        return NormalObservation(loc, floored(log_scale, self.min_log_scale))
