"""Sticking the landing."""

from __future__ import annotations

__all__ = ["STL"]

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp, weight_terms
from lvm_experiments.types import PositiveInt


class STL(Objective):
    r"""The K-sample bound without the score of q in its gradient, which vanishes where q is the exact posterior.

    $$ L = -\log \frac{1}{K} \sum_k \frac{p(x, z_k)}{\bar q(z_k|x)} , \quad z_k \sim q(z|x) $$

    No parameter of $\bar q$ gets a gradient, only z does. For one draw that is unbiased; for more the weights see
    the score, and the gradient is biased: `DReG` is not.

    Arguments:
        num_samples: The number K of draws.

    Example:
        >>> STL().num_samples
        1

    References:
        | Sticking the landing: simple, lower-variance gradient estimators for variational inference
        | (Roeder, Wu & Duvenaud, 2017), https://arxiv.org/abs/1703.09194
    """

    needs = ("has_density_at", "reparameterised", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 1) -> None:
        super().__init__()
        self.num_samples = num_samples

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        log_weight = draw.log_joint - model.log_posterior(batch, draw.z, frozen=True)
        return Losses({"model": -log_mean_exp(log_weight).mean()}, weight_terms(log_weight, draw.log_lik))
