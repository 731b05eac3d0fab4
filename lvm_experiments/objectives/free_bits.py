"""The bound with free bits."""

from __future__ import annotations

__all__ = ["FreeBits"]

from typing import Any

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import analytic_kl
from lvm_experiments.models import LatentVariableModel, Step
from lvm_experiments.models.draw import total
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class FreeBits(Objective):
    r"""Distortion plus a rate of which the first nats cost nothing.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \sum_j \max\left(\lambda, \overline{\mathrm{KL}}_j\right) $$

    The sum goes over latent dimensions where posterior and prior of a layer factorise, else over layers;
    $\overline{\mathrm{KL}}_j$ is the mean over the batch, as in the source.

    Arguments:
        num_samples: The number K of draws.
        free: $\lambda$, in nats.

    Example:
        >>> FreeBits(free=0.5).monitor
        'val/elbo'

    References:
        | Improving variational inference with inverse autoregressive flow (Kingma et al., 2016), appendix C.8
        | https://arxiv.org/abs/1606.04934
    """

    needs = ("pathwise",)

    def __init__(self, num_samples: PositiveInt = 1, free: NonNegativeFloat = 0.125) -> None:
        super().__init__()
        self.num_samples, self.free = num_samples, free

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        rate = total(_group_rates(step).clamp_min(self.free).sum() for step in draw.steps.values())
        return Losses({"model": rate - draw.log_lik.mean()}, bound_terms(draw))


def _group_rates(step: Step) -> Tensor:
    """The mean KL of each latent dimension, shape `(L,)`, or of the layer, shape `()`."""
    dimensions = [_per_dimension(d) for d in (step.q, step.p)]
    if None not in dimensions:
        exact = analytic_kl(*dimensions)
        if exact is not None:
            return exact.flatten(0, -2).mean(0)
    if all(hasattr(d, "log_prob_per_dimension") for d in (step.q, step.p)):
        q: Any = step.q
        p: Any = step.p
        gap = q.log_prob_per_dimension(step.z) - p.log_prob_per_dimension(step.z)
        return gap.flatten(0, -2).mean(0)
    return step.kl.mean()


def _per_dimension(distribution: Any) -> Any:
    split = getattr(distribution, "per_dimension", None)
    return None if split is None else split()
