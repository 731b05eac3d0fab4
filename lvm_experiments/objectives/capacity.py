"""The bound with a capacity that grows."""

from __future__ import annotations

__all__ = ["Capacity"]

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.objectives.schedules import Schedule, warn_of
from lvm_experiments.objectives.score_function import Scored, expectation
from lvm_experiments.types import NonNegativeFloat, PositiveInt


class Capacity(Scored):
    r"""Distortion plus a pull of the rate towards a capacity.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \gamma \left| \overline{\mathrm{KL}} - s(t) C \right| $$

    $\overline{\mathrm{KL}}$ is the mean over the batch, as in published code; the formula by example would make all
    examples cost the same.

    Arguments:
        num_samples: The number K of draws.
        gamma: The weight $\gamma$ of the pull.
        capacity: The capacity C at the end, in nats.
        schedule: The factor s of the capacity during training.

    Example:
        >>> from lvm_experiments.objectives import Linear
        >>> objective = Capacity(capacity=25.0, schedule=Linear(duration=10))
        >>> objective.target(Progress(epoch=5))
        12.5

    References:
        | Understanding disentangling in beta-VAE (Burgess et al., 2018)
        | https://arxiv.org/abs/1804.03599
    """

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        gamma: NonNegativeFloat = 1000.0,
        capacity: NonNegativeFloat = 25.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__()
        self.num_samples, self.gamma, self.capacity, self.schedule = num_samples, gamma, capacity, schedule

    def target(self, progress: Progress) -> float:
        """The capacity now, in nats."""
        return self.capacity * (self.schedule(progress) if self.schedule else 1.0)

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw, target = self.draw(model, batch, self.num_samples), self.target(progress)
        # Its sign is a constant nearly everywhere, so the rest is an expectation under q.
        weight = self.gamma * torch.sign(draw.kl.detach().mean() - target)
        loss = expectation(draw, weight * draw.kl - draw.log_lik).mean() - weight * target
        return Losses({"model": loss}, bound_terms(draw))

    def warnings(self, progress: Progress) -> list[str]:
        late = warn_of(self.schedule, progress, "the growth of the capacity", "it is never reached")
        return super().warnings(progress) + late
