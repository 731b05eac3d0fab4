"""Distributions that torch.distributions lacks, or that it computes too slowly or not exactly enough."""

__all__ = [
    "Bernoulli",
    "ContinuousBernoulli",
    "DiagonalNormal",
    "DiscretizedLogistic",
    "NormalObservation",
    "Observation",
    "StandardNormal",
    "analytic_kl",
    "draw_from",
    "representative",
]

from lvm_experiments.distributions.bernoulli import Bernoulli
from lvm_experiments.distributions.continuous_bernoulli import ContinuousBernoulli
from lvm_experiments.distributions.diagonal_normal import DiagonalNormal
from lvm_experiments.distributions.discretized_logistic import DiscretizedLogistic
from lvm_experiments.distributions.draws import draw_from, representative
from lvm_experiments.distributions.kl import analytic_kl
from lvm_experiments.distributions.normal_observation import NormalObservation
from lvm_experiments.distributions.observation import Observation
from lvm_experiments.distributions.standard_normal import StandardNormal
