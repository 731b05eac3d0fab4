"""Likelihoods with Student's t distribution, which differ in what the decoder predicts."""

from __future__ import annotations

__all__ = ["FixedStudentTLikelihood", "PredictedStudentTLikelihood", "StudentTLikelihood"]

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from lvm_experiments.distributions import StudentTObservation
from lvm_experiments.likelihoods.real import RealLikelihood
from lvm_experiments.likelihoods.scales import floored
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class StudentTLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d t_\nu(x_d; \mu_d(z), s)$ with one learned scale $s$ and one learned $\nu$.

    Arguments:
        spec: What is known of the data.
        scale: The $s$ to start from.
        df: The degrees of freedom $\nu$ to start from.
        min_df: What $\nu$ stays above; the variance is infinite up to 2.

    Raises:
        ValueError: Where `min_df` is below 1, so that there may be no mean, or `df` not above `min_df`.

    Example:
        >>> likelihood = StudentTLikelihood(DataSpec("real", (4,)), scale=1.0, df=3.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -4.0036
    """

    def __init__(
        self, spec: DataSpec, scale: PositiveFloat = 0.2, df: PositiveFloat = 5.0, min_df: PositiveFloat = 2.0
    ) -> None:
        super().__init__(spec)
        _check_min_df(min_df)
        if df <= min_df:
            raise ValueError(f"df starts above min_df = {min_df:g}, not at {df:g}")
        self.min_df = min_df
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.raw_df = nn.Parameter(torch.tensor(df - min_df + math.log(-math.expm1(min_df - df))))

    def forward(self, raw: Tensor) -> StudentTObservation:
        return StudentTObservation(raw.squeeze(2), self.log_scale, self.min_df + softplus(self.raw_df))


class FixedStudentTLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d t_\nu(x_d; \mu_d(z), s)$ with a given $\nu$ and one learned scale $s$.

    Arguments:
        spec: What is known of the data.
        scale: The $s$ to start from.
        df: The degrees of freedom $\nu$; the variance is infinite up to 2.

    Raises:
        ValueError: Where `df` is not above 1, so that there is no mean.

    Example:
        >>> likelihood = FixedStudentTLikelihood(DataSpec("real", (4,)), scale=1.0, df=3.0)
        >>> round(likelihood(torch.zeros(1, 1, 1, 4)).log_prob(torch.zeros(1, 4)).item(), 4)
        -4.0036
    """

    df: Tensor

    def __init__(self, spec: DataSpec, scale: PositiveFloat = 0.2, df: PositiveFloat = 5.0) -> None:
        super().__init__(spec)
        if df <= 1:
            raise ValueError(f"without a mean there are no reconstructions: df has to be above 1, not {df:g}")
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.register_buffer("df", torch.tensor(float(df)), persistent=False)

    def forward(self, raw: Tensor) -> StudentTObservation:
        return StudentTObservation(raw.squeeze(2), self.log_scale, self.df)


class PredictedStudentTLikelihood(RealLikelihood):
    r"""$p(x|z) = \prod_d t_{\nu_d(z)}(x_d; \mu_d(z), s_d(z))$: location, scale and $\nu$ are predicted.

    Arguments:
        spec: What is known of the data.
        min_scale: A floor of the scale, without which the density of a well predicted cell has no bound.
        min_df: What $\nu$ stays above; the variance is infinite up to 2.

    Raises:
        ValueError: Where `min_df` is below 1, so that there may be no mean.

    Example:
        >>> PredictedStudentTLikelihood(DataSpec("real", (4,))).parameter_shape
        (3, 4)

    References:
        | MIWAE: deep generative modelling and imputation of incomplete data sets (Mattei & Frellsen, 2019)
        | https://arxiv.org/abs/1812.02633
    """

    parameters_per_cell = 3

    def __init__(self, spec: DataSpec, min_scale: PositiveFloat = 1e-3, min_df: PositiveFloat = 3.0) -> None:
        super().__init__(spec)
        _check_min_df(min_df)
        self.min_df = min_df
        self.min_log_scale = math.log(min_scale)

    def forward(self, raw: Tensor) -> StudentTObservation:
        loc, log_scale, raw_df = raw.unbind(2)
        return StudentTObservation(loc, floored(log_scale, self.min_log_scale), self.min_df + softplus(raw_df))


def _check_min_df(min_df: float) -> None:
    if min_df < 1:
        raise ValueError(f"without a mean there are no reconstructions: min_df has to be at least 1, not {min_df:g}")
