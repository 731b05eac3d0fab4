"""The evidence lower bound."""

from __future__ import annotations

__all__ = ["ELBO"]

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.schedules import Schedule
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class ELBO(Objective):
    r"""Distortion plus weighted rate.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \beta s(t) \, \mathrm{KL}(q(z|x) \,\|\, p(z)) $$

    The KL is exact where it has a closed form. At $\beta = 1$ the loss is minus the evidence lower bound, in nats;
    evaluation always takes 1.

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

    needs = ("pathwise",)

    def __init__(
        self, num_samples: PositiveInt = 1, beta: NonNegativeFloat = 1.0, schedule: Schedule | None = None
    ) -> None:
        super().__init__()
        self.num_samples, self.beta, self.schedule = num_samples, beta, schedule

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        distortion = -draw.log_lik.mean(0)
        rate = draw.kl if draw.kl.ndim == 1 else draw.kl.mean(0)
        weight = self.beta * (self.schedule(progress) if self.schedule else 1.0)
        terms = {"elbo": -(distortion + rate), "rate": rate, "distortion": distortion}
        return Losses({"model": (distortion + weight * rate).mean()}, {name: t.detach() for name, t in terms.items()})

    def warnings(self, progress: Progress) -> list[str]:
        if self.schedule is None or not self.schedule.outlasts(progress):
            return []
        return [
            "the warm-up of beta lasts as long as training or longer, so the rate never gets its full weight; "
            "shorten objective.schedule.duration"
        ]
