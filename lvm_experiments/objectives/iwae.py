"""The importance weighted bound."""

from __future__ import annotations

__all__ = ["IWAE"]

import math

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.types import PositiveInt


class IWAE(Objective):
    r"""The K-sample bound, tighter with every draw.

    $$ L = -\log \frac{1}{K} \sum_k \frac{p(x, z_k)}{q(z_k|x)} , \quad z_k \sim q(z|x) $$

    Arguments:
        num_samples: The number K of draws; 1 is the evidence lower bound in its log-weight form.

    Example:
        >>> IWAE(num_samples=50).monitor
        'val/iw_elbo'

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015)
        | https://arxiv.org/abs/1509.00519
    """

    needs = ("has_density_at", "pathwise")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5) -> None:
        super().__init__()
        self.num_samples = num_samples

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        bound = torch.logsumexp(draw.log_weight, 0) - math.log(self.num_samples)
        terms = {
            "iw_elbo": bound,
            "elbo": draw.log_weight.mean(0),
            "rate": (draw.log_q - draw.log_prior).mean(0),
            "distortion": -draw.log_lik.mean(0),
        }
        return Losses({"model": -bound.mean()}, {name: t.detach() for name, t in terms.items()})
