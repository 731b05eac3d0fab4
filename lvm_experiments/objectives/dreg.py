"""The importance weighted bound with doubly reparameterised gradients."""

from __future__ import annotations

__all__ = ["DReG"]

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp, weight_terms
from lvm_experiments.types import PositiveInt


class DReG(Objective):
    r"""IWAE's bound with a gradient for the inference whose signal does not fade as K grows.

    $$ \nabla_\phi = \sum_k \tilde w_k^2 \, \frac{\partial \log w_k}{\partial z_k} \frac{\partial z_k}{\partial \phi},
    \qquad \nabla_\theta = \sum_k \tilde w_k \, \nabla_\theta \log p(x, z_k) $$

    with $w_k = p(x, z_k) / q(z_k|x)$ and $\tilde w$ normalised. In its generalised form: $\theta$ is whatever
    p(x, z) depends on at given z, the encoder's parameters where a prior uses them; and the derivative by z goes
    through every density that depends on it, those of other latents, too. So it is unbiased for a VampPrior and for
    several layers.

    Arguments:
        num_samples: The number K of draws.

    Example:
        >>> DReG(num_samples=64).monitor
        'val/iw_elbo'

    References:
        | Doubly reparameterized gradient estimators for Monte Carlo objectives (Tucker et al., 2018)
        | https://arxiv.org/abs/1810.04152
        | Generalized doubly reparameterized gradient estimators (Bauer & Mnih, 2021)
        | https://arxiv.org/abs/2101.11046
    """

    needs = ("has_density_at", "reparameterised", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 5) -> None:
        super().__init__()
        self.num_samples = num_samples

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        drawn = self.draw(model, batch, self.num_samples).z
        # Views, so that a factor on what reaches them from the densities is no factor on what passes between latents.
        taps = {name: z.view_as(z) for name, z in drawn.items()}
        scored = model.score(batch, taps)
        log_weight = scored.log_joint - model.log_posterior(batch, taps, frozen=True)
        weight = log_weight.detach().softmax(0)
        for tap in taps.values():
            if tap.requires_grad:
                tap.register_hook(lambda gradient: gradient * _beside(weight, gradient))
        return Losses({"model": -log_mean_exp(log_weight).mean()}, weight_terms(log_weight, scored.log_lik))


def _beside(weight: Tensor, like: Tensor) -> Tensor:
    """Weights of shape `(K, B)` with the event axes of `like`."""
    return weight.reshape(weight.shape + (1,) * (like.ndim - weight.ndim))
