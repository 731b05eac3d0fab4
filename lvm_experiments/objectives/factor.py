"""The bound with a penalty on the total correlation, by a discriminator."""

from __future__ import annotations

__all__ = ["Factor"]

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.discriminated import Discriminated
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class Factor(Discriminated):
    r"""Distortion, rate, and the total correlation of the aggregated posterior q(z) by the density-ratio trick.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \mathrm{KL}(q(z|x) \,\|\, p(z)) + \gamma \, E_{q(z)}[d(z)] $$
    $$ L_d = \frac{1}{2} E_{q(z)}[\mathrm{softplus}(-d(z))] + \frac{1}{2} E_{\bar q(z)}[\mathrm{softplus}(d(z))] $$

    The discriminator's log odds d, at their optimum $\log q(z) / \prod_l q(z_l)$, tell draws of q(z) from those of
    $\bar q(z) = \prod_l q(z_l)$, which are the same draws with every dimension permuted over the batch (that of each
    process, where there are several). It has the group `discriminator`, its own optimiser of the kind the model has,
    and its step at the same time. The source permutes a second batch and trains the discriminator by Adam with
    $\beta_1 = 0.5$.

    Arguments:
        hidden: The sizes of the discriminator's hidden layers; six of 1000 in the source.
        num_samples: The number K of draws.
        gamma: The weight $\gamma$ of the total correlation.

    Example:
        >>> Factor(hidden=[32, 32], gamma=6.4).monitor
        'val/elbo'

    References:
        | Disentangling by factorising (Kim & Mnih, 2018)
        | https://arxiv.org/abs/1802.05983
    """

    needs = ("one_latent", "real", "pathwise")

    def __init__(self, hidden: list[PositiveInt], num_samples: PositiveInt = 1, gamma: NonNegativeFloat = 10.0) -> None:
        super().__init__(hidden)
        self.num_samples, self.gamma = num_samples, gamma

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (z,) = draw.z.values()
        correlation = self.discriminator.frozen(z)
        loss = draw.kl - draw.log_lik + self.gamma * correlation
        apart = self.apart(z.detach(), self.permuted(z.detach()))
        terms = bound_terms(draw) | {"total_correlation": correlation.detach().mean(0), "discriminator": apart.detach()}
        return Losses({"model": loss.mean(), "discriminator": apart.mean()}, terms)

    def permuted(self, z: Tensor) -> Tensor:
        """Every dimension of z, shape `(K, B, L)`, in an order of its own over the batch."""
        return z.gather(1, torch.rand_like(z).argsort(1))
