"""A combination of the evidence lower bound and the importance weighted one."""

from __future__ import annotations

__all__ = ["CIWAE"]

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp, weight_terms
from lvm_experiments.types import PositiveInt, Probability


class CIWAE(Objective):
    r"""Between both bounds: a tight one for the decoder, a good signal for the encoder.

    $$ L = -\beta \frac{1}{K} \sum_k \log w_k - (1 - \beta) \log \frac{1}{K} \sum_k w_k,
    \quad w_k = \frac{p(x, z_k)}{q(z_k|x)} $$

    Arguments:
        num_samples: The number K of draws.
        beta: The share of the evidence lower bound: 1 is all of it, 0 is IWAE.

    Example:
        >>> CIWAE(beta=0.5).monitor
        'val/iw_elbo'

    References:
        | Tighter variational bounds are not necessarily better (Rainforth et al., 2018)
        | https://arxiv.org/abs/1802.04537
    """

    needs = ("pathwise", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5, beta: Probability = 0.5) -> None:
        super().__init__()
        self.num_samples, self.beta = num_samples, beta

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        bound = self.beta * draw.log_weight.mean(0) + (1 - self.beta) * log_mean_exp(draw.log_weight)
        return Losses({"model": -bound.mean()}, weight_terms(draw.log_weight, draw.log_lik))
