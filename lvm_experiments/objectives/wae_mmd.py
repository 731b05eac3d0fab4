"""A Wasserstein autoencoder."""

from __future__ import annotations

__all__ = ["WAE"]

from collections.abc import Sequence

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.objectives.mmd import SCALES, mmd, multiscale
from lvm_experiments.objectives.prior_draws import check_prior_learns, loose_bounds, prior_draws
from lvm_experiments.types import MmdKernel, NonNegativeFloat, PositiveFloat, PositiveInt


class WAE(Objective):
    r"""The cost of reconstructions, while the aggregated posterior $q(z)$ is held at the prior.

    $$ L = E_{q(z|x)}[c(x, z)] + \lambda \, \mathrm{MMD}^2(q(z), p(z)), \qquad c(x, z) = -\log p(x|z) $$

    The cost is the likelihood's own, in nats: with `gaussian_fixed` it is the source's squared error, over
    $2 \sigma^2$. The discrepancy is an unbiased estimate from the batch (that of each process, where there are
    several) and as many draws of the prior.

    Arguments:
        num_samples: The number K of draws.
        weight: $\lambda$, in nats.
        kernel: `imq`, the source's, or `rbf`; see `multiscale`.
        scales: Those that the kernel is summed over.

    Example:
        >>> len(WAE().scales)
        7

    References:
        | Wasserstein auto-encoders (Tolstikhin, Bousquet, Gelly & Schoelkopf, 2018)
        | https://arxiv.org/abs/1711.01558
    """

    needs = ("one_latent", "real", "pathwise")

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        weight: NonNegativeFloat = 10.0,
        kernel: MmdKernel = "imq",
        scales: Sequence[PositiveFloat] = SCALES,
    ) -> None:
        super().__init__()
        self.num_samples, self.weight, self.kernel, self.scales = num_samples, weight, kernel, scales

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (step,) = draw.steps.values()
        apart = mmd(step.z, prior_draws(step), multiscale(self.kernel, self.scales, step.z.shape[-1]))
        terms = bound_terms(draw) | {"mmd": apart.detach().expand(len(batch))}
        return Losses({"model": self.weight * apart - draw.log_lik.mean()}, terms)

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        check_prior_learns(self, model, by_draws=True)

    def warnings(self, progress: Progress) -> list[str]:
        return [loose_bounds("WAE")]
