"""An autoencoder whose latents are made to look like the prior's by a discriminator."""

from __future__ import annotations

__all__ = ["Adversarial"]

from torch.nn.functional import softplus

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.discriminated import Discriminated
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.objectives.prior_draws import check_prior_learns, loose_bounds, prior_draws
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class Adversarial(Discriminated):
    r"""Distortion, and a game that makes the aggregated posterior q(z) the prior.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \lambda \, E_{q(z)}[\mathrm{softplus}(-d(z))] $$
    $$ L_d = \frac{1}{2} E_{p(z)}[\mathrm{softplus}(-d(z))] + \frac{1}{2} E_{q(z)}[\mathrm{softplus}(d(z))] $$

    with the discriminator's log odds d that z is the prior's, and the encoder's loss in the non-saturating form. The
    discriminator has the group `discriminator`, its own optimiser of the kind the model has, and its step at the
    same time; the source takes the encoder's second part in a step of its own. Nothing needs a density.

    Arguments:
        hidden: The sizes of the discriminator's hidden layers; two of 1000 in the source.
        num_samples: The number K of draws.
        weight: The weight $\lambda$ of the game, in nats.

    Example:
        >>> Adversarial(hidden=[32, 32]).monitor
        'val/elbo'

    References:
        | Adversarial autoencoders (Makhzani, Shlens, Jaitly, Goodfellow & Frey, 2015)
        | https://arxiv.org/abs/1511.05644
    """

    needs = ("one_latent", "pathwise")

    def __init__(
        self, hidden: list[PositiveInt], num_samples: PositiveInt = 1, weight: NonNegativeFloat = 10.0
    ) -> None:
        super().__init__(hidden)
        self.num_samples, self.weight = num_samples, weight

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (step,) = draw.steps.values()
        deceived = softplus(-self.discriminator.frozen(step.z))
        apart = self.apart(prior_draws(step).detach(), step.z.detach())
        terms = bound_terms(draw) | {"adversarial": deceived.detach().mean(0), "discriminator": apart.detach()}
        loss = self.weight * deceived - draw.log_lik
        return Losses({"model": loss.mean(), "discriminator": apart.mean()}, terms)

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        check_prior_learns(self, model, by_draws=False)

    def warnings(self, progress: Progress) -> list[str]:
        return [loose_bounds("Adversarial")]
