"""Parts that only tests want, named in configurations like anybody's own ones."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import DiscretizedLogisticLikelihood
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.networks import MLPEncoder
from lvm_experiments.objectives import IWAE, Losses, Objective, Progress
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class NarrowEncoder(MLPEncoder):
    """An encoder of somebody else's."""

    def __init__(self, spec: DataSpec, hidden: list[PositiveInt], activation: str = "tanh") -> None:
        super().__init__(spec, [min(size, 4) for size in hidden], activation)


class LowLevels(DiscretizedLogisticLikelihood):
    """A likelihood that wants less than its space holds."""

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        super().check(x, mask)
        if (x > 5).any():
            raise ValueError("the data hold levels above 5")


class Autoencoder(IWAE):
    """No noise at all: minus log p(x|z) at the posterior mean, so that several processes compute what one does."""

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        q = model.q_z(batch)
        x = model.p_x(q.mean[None])
        distortion = -x.log_prob(batch.x, batch.observed)[0] + q.stddev.square().sum(-1)
        terms = {"distortion": distortion.detach(), "elbo": -distortion.detach()}
        return Losses({"model": distortion.mean()}, terms)


class TwoGroups(Objective):
    """Like FactorVAE: a critic with parameters of its own tells z from z whose dimensions were permuted."""

    needs: ClassVar[tuple[str, ...]] = ("reparameterised",)

    def __init__(self, latent_dim: PositiveInt = 3, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight
        self.critic = nn.Sequential(nn.Linear(latent_dim, 8), nn.Tanh(), nn.Linear(8, 1))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def groups(self, model: LatentVariableModel) -> dict[str, list[nn.Parameter]]:
        return {"model": list(model.parameters()), "critic": list(self.critic.parameters())}

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch)
        z = draw.z["z"][0]
        self.steps += 1
        elbo = draw.log_lik.mean(0) - draw.kl
        score = self.critic(z)[:, 0]
        loss = -elbo.mean() + self.weight * score.mean()
        other = self.critic(_permuted(z.detach()))[:, 0]
        apart = nn.functional.softplus(-self.critic(z.detach())[:, 0]) + nn.functional.softplus(other)
        terms = {"elbo": elbo.detach(), "rate": draw.kl.detach(), "score": score.detach()}
        return Losses({"model": loss, "critic": apart.mean()}, terms)


class QuietGroups(Objective):
    """Two groups and no noise: a model at its posterior means, and a critic that learns the sums of them."""

    def __init__(self) -> None:
        super().__init__()
        self.critic = nn.Linear(3, 1)

    def groups(self, model: LatentVariableModel) -> dict[str, list[nn.Parameter]]:
        return {"model": list(model.parameters()), "critic": list(self.critic.parameters())}

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        q = model.q_z(batch)
        distortion = -model.p_x(q.mean[None]).log_prob(batch.x, batch.observed)[0]
        score = self.critic(q.mean)[:, 0]
        loss = (distortion + q.stddev.square().sum(-1) + score).mean()
        error = (self.critic(q.mean.detach())[:, 0] - q.mean.detach().sum(-1)).square()
        return Losses({"model": loss, "critic": error.mean()}, {"elbo": -distortion.detach()})


def _permuted(z: Tensor) -> Tensor:
    return torch.stack([column[torch.randperm(len(column))] for column in z.T], 1)
