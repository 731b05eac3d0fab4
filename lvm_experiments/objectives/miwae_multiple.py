"""The mean of several importance weighted bounds."""

from __future__ import annotations

__all__ = ["MultipleIWAE"]

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp, weight_terms
from lvm_experiments.types import PositiveInt


class MultipleIWAE(Objective):
    r"""MIWAE: M independent K-sample bounds, whose mean has a less noisy gradient than one of M K draws.

    $$ L = -\frac{1}{M} \sum_m \log \frac{1}{K} \sum_k w_{mk}, \quad w_{mk} = \frac{p(x, z_{mk})}{q(z_{mk}|x)} $$

    Not the bound for missing data of the same name (Mattei & Frellsen, 2019).

    Arguments:
        num_samples: The number K of draws in a bound; 1 is the evidence lower bound with M draws.
        num_bounds: The number M of bounds; 1 is IWAE.

    Example:
        >>> MultipleIWAE(num_samples=8, num_bounds=8).monitor
        'val/iw_elbo'

    References:
        | Tighter variational bounds are not necessarily better (Rainforth et al., 2018)
        | https://arxiv.org/abs/1802.04537
    """

    needs = ("pathwise", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5, num_bounds: PositiveInt = 5) -> None:
        super().__init__()
        self.num_samples, self.num_bounds = num_samples, num_bounds

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_bounds * self.num_samples)
        bound = log_mean_exp(self.grouped(draw.log_weight), 1).mean(0)
        return Losses({"model": -bound.mean()}, weight_terms(draw.log_weight, draw.log_lik, bound))

    def grouped(self, log_weight: Tensor) -> Tensor:
        """Log weights of all draws, shape `(M K, B)`, by bound: `(M, K, B)`."""
        return log_weight.unflatten(0, (self.num_bounds, self.num_samples))
