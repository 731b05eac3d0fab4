"""The importance weighted bound."""

from __future__ import annotations

__all__ = ["IWAE"]

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.importance import weight_terms
from lvm_experiments.objectives.score_function import Scored, expected_log_mean
from lvm_experiments.types import PositiveInt


class IWAE(Scored):
    r"""The K-sample bound, tighter with every draw.

    $$ L = -\log \frac{1}{K} \sum_k \frac{p(x, z_k)}{q(z_k|x)} , \quad z_k \sim q(z|x) $$

    Where draws carry no gradient, it is VIMCO.

    Arguments:
        num_samples: The number K of draws; 1 is the evidence lower bound in its log-weight form.

    Example:
        >>> IWAE(num_samples=50).monitor
        'val/iw_elbo'

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015)
        | https://arxiv.org/abs/1509.00519
        | Variational inference for Monte Carlo objectives (Mnih & Rezende, 2016)
        | https://arxiv.org/abs/1602.06725
    """

    needs = ("in_support",)
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5) -> None:
        super().__init__()
        self.num_samples = num_samples

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        bound = expected_log_mean(draw)
        return Losses({"model": -bound.mean()}, weight_terms(draw.log_weight, draw.log_lik, bound))
