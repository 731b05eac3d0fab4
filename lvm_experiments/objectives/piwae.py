"""Different bounds for the model and for its inference."""

from __future__ import annotations

__all__ = ["PIWAE"]

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.importance import log_mean_exp, still, weight_terms
from lvm_experiments.objectives.miwae_multiple import MultipleIWAE


class PIWAE(MultipleIWAE):
    r"""The generative model climbs the bound of all M K draws, the inference the mean of M bounds of K.

    $$ \theta: \; \log \frac{1}{M K} \sum_{m,k} w_{mk} \qquad
    \phi: \; \frac{1}{M} \sum_m \log \frac{1}{K} \sum_k w_{mk}, \quad w_{mk} = \frac{p(x, z_{mk})}{q(z_{mk}|x)} $$

    A parameter belongs to both where it is used in both, as a VampPrior's encoder is: what counts is the use. The
    second is `MultipleIWAE`, whose value the loss has; with u and v the normalised weights of the two, adding
    $\sum (u - v) \log p(x, z)$ at draws that stand still turns its gradient with respect to $\theta$ into the
    first's and leaves $\phi$ alone.

    Arguments:
        num_samples: The number K of draws in a bound of the inference.
        num_bounds: The number M of them.

    Example:
        >>> PIWAE(num_samples=8, num_bounds=8).monitor
        'val/iw_elbo'

    References:
        | Tighter variational bounds are not necessarily better (Rainforth et al., 2018)
        | https://arxiv.org/abs/1802.04537
    """

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_bounds * self.num_samples)
        groups = self.grouped(draw.log_weight)
        bound = log_mean_exp(groups, 1).mean(0)
        u = draw.log_weight.detach().softmax(0)
        v = groups.detach().softmax(1).flatten(0, 1) / self.num_bounds
        change = ((u - v) * model.log_joint(batch, still(draw))).sum(0)
        terms = weight_terms(draw.log_weight, draw.log_lik, bound)
        terms["iw_elbo_of_all"] = log_mean_exp(draw.log_weight.detach())
        return Losses({"model": -(bound + change - change.detach()).mean()}, terms)
