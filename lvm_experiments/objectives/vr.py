"""The variational Renyi bound."""

from __future__ import annotations

__all__ = ["VR"]

import math

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp, weight_terms
from lvm_experiments.types import PositiveInt


class VR(Objective):
    r"""A family of bounds by the order of a Renyi divergence.

    $$ L = -\frac{1}{1 - \alpha} \log \frac{1}{K} \sum_k w_k^{1 - \alpha}, \quad w_k = \frac{p(x, z_k)}{q(z_k|x)} $$

    $\alpha = 1$ is the evidence lower bound, 0 the importance weighted one, $-\infty$ (`-inf`) takes the
    largest weight (VR-max). Below 0 the bound may lie above log p(x).

    Arguments:
        num_samples: The number K of draws.
        alpha: The order $\alpha$.

    Example:
        >>> VR(alpha=-1.0).monitor
        'val/iw_elbo'

    References:
        | Renyi divergence variational inference (Li & Turner, 2016)
        | https://arxiv.org/abs/1602.02311
    """

    needs = ("pathwise", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5, alpha: float = 0.5) -> None:
        super().__init__()
        self.num_samples, self.alpha = num_samples, alpha

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        bound = self.bound(draw.log_weight)
        terms = weight_terms(draw.log_weight, draw.log_lik)
        return Losses({"model": -bound.mean()}, terms | {"vr": bound.detach()})

    def bound(self, log_weight: Tensor) -> Tensor:
        """Of log weights of shape `(K, B)`, shape `(B,)`."""
        if self.alpha == 1:
            return log_weight.mean(0)
        if math.isinf(self.alpha):
            return log_weight.amax(0) if self.alpha < 0 else log_weight.amin(0)
        return log_mean_exp((1 - self.alpha) * log_weight) / (1 - self.alpha)
