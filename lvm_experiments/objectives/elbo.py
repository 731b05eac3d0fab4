"""The evidence lower bound."""

from __future__ import annotations

__all__ = ["ELBO", "bound_terms"]

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import Draw, LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.schedules import Schedule, warn_of
from lvm_experiments.objectives.score_function import Scored, expectation
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class ELBO(Scored):
    r"""Distortion plus weighted rate.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \beta s(t) \, \mathrm{KL}(q(z|x) \,\|\, p(z)) $$

    The KL is exact where it has a closed form. At $\beta = 1$ the loss is minus the evidence lower bound, in nats;
    evaluation always takes 1. Where draws carry no gradient, the score function's is taken, with the other draws
    as the baseline of each (RLOO), and more than one draw is wanted.

    Arguments:
        num_samples: The number K of draws.
        beta: The weight of the rate.
        schedule: The factor s of the weight during training.

    Example:
        >>> from lvm_experiments.objectives import Linear
        >>> objective = ELBO(beta=4.0, schedule=Linear(duration=10))
        >>> objective.warnings(Progress(epochs=100))
        []

    References:
        | Auto-encoding variational Bayes (Kingma & Welling, 2013), https://arxiv.org/abs/1312.6114
        | beta-VAE (Higgins et al., 2017), https://openreview.net/forum?id=Sy2fzU9gl
        | Fixing a broken ELBO (Alemi et al., 2018), https://arxiv.org/abs/1711.00464
    """

    def __init__(
        self, num_samples: PositiveInt = 1, beta: NonNegativeFloat = 1.0, schedule: Schedule | None = None
    ) -> None:
        super().__init__()
        self.num_samples, self.beta, self.schedule = num_samples, beta, schedule

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        weight = self.beta * (self.schedule(progress) if self.schedule else 1.0)
        loss = expectation(draw, weight * draw.kl - draw.log_lik)
        return Losses({"model": loss.mean()}, bound_terms(draw))

    def warnings(self, progress: Progress) -> list[str]:
        late = warn_of(self.schedule, progress, "the warm-up of beta", "the rate never gets its full weight")
        return super().warnings(progress) + late


def bound_terms(draw: Draw) -> dict[str, Tensor]:
    """Bound at beta = 1, rate and distortion, detached, shape `(B,)` each."""
    distortion = -draw.log_lik.detach().mean(0)
    kl = draw.kl.detach()
    rate = kl if kl.ndim == 1 else kl.mean(0)
    return {"elbo": -(distortion + rate), "rate": rate, "distortion": distortion}
