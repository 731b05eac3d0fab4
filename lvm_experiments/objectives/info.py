"""The bound with a weight for what z tells of x, and a divergence between q(z) and p(z)."""

from __future__ import annotations

__all__ = ["Info"]

from collections.abc import Sequence

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.objectives.mmd import mmd, multiscale
from lvm_experiments.objectives.prior_draws import check_prior_learns, loose_bounds, prior_draws
from lvm_experiments.types import AtMostOne, MmdKernel, NonNegativeFloat, PositiveFloat, PositiveInt


class Info(Objective):
    r"""InfoVAE: the divergence of the aggregated posterior $q(z)$ from the prior is weighted apart from the rest.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + (1 - \alpha) \, \mathrm{KL}(q(z|x) \,\|\, p(z))
    + (\alpha + \lambda - 1) \, \mathrm{MMD}^2(q(z), p(z)) $$

    $\alpha = 0, \lambda = 1$ is the evidence lower bound, $\alpha = 1$ the MMD-VAE. The discrepancy is an unbiased
    estimate from the batch (that of each process, where there are several) and as many draws of the prior. It is of
    the order of 1 times the number of scales, whatever the data: its weight has to be on the scale of the distortion.

    Arguments:
        num_samples: The number K of draws.
        alpha: The weight $\alpha$ of the mutual information of x and z.
        weight: $\lambda$, at least $1 - \alpha$.
        kernel: `rbf` or `imq`; see `multiscale`.
        scales: Those that the kernel is summed over.

    Raises:
        ValueError: For a negative weight of the discrepancy.

    Example:
        >>> Info(alpha=0.5, weight=1000.0).weights
        (0.5, 999.5)

    References:
        | InfoVAE: balancing learning and inference in variational autoencoders (Zhao, Song & Ermon, 2017)
        | https://arxiv.org/abs/1706.02262
    """

    needs = ("one_latent", "real", "pathwise")

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        alpha: AtMostOne = 0.0,
        weight: NonNegativeFloat = 1000.0,
        kernel: MmdKernel = "rbf",
        scales: Sequence[PositiveFloat] = (1.0,),
    ) -> None:
        super().__init__()
        self.num_samples, self.kernel, self.scales = num_samples, kernel, scales
        self.weights = 1 - alpha, alpha + weight - 1
        if self.weights[1] < 0:
            raise ValueError(f"a weight of {weight:g} is less than 1 - alpha = {1 - alpha:g}")

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (step,) = draw.steps.values()
        apart = mmd(step.z, prior_draws(step), multiscale(self.kernel, self.scales, step.z.shape[-1]))
        loss = self.weights[1] * apart - draw.log_lik.mean()
        if self.weights[0]:
            loss = loss + self.weights[0] * draw.kl.mean()
        return Losses({"model": loss}, bound_terms(draw) | {"mmd": apart.detach().expand(len(batch))})

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        if not self.weights[0]:
            check_prior_learns(self, model, by_draws=True)

    def warnings(self, progress: Progress) -> list[str]:
        return [] if self.weights[0] else [loose_bounds("Info with alpha = 1")]
