"""Reweighted wake-sleep."""

from __future__ import annotations

__all__ = ["RWS"]

from typing import Any

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import still, weight_terms
from lvm_experiments.types import PositiveInt, Probability


class RWS(Objective):
    r"""Model and inference each learn from weighted draws that stand still; the inference from dreams, too.

    $$ L = -\sum_k \tilde w_k \log p(x, z_k) - (1 - s) \sum_k \tilde w_k \log q(z_k|x) - s \log q(z'|x'),
    \quad z_k \sim q(z|x), \quad (x', z') \sim p $$

    with the normalised weights $\tilde w$ of $p(x, z) / q(z|x)$, held constant. The first term's gradient is IWAE's
    (wake phase of $\theta$), the second one's that of KL(p(z|x) || q(z|x)) (wake phase of $\phi$), the third one's
    the same averaged over the model's own x (sleep phase). No gradient passes a draw, so any posterior will do, and
    a term reaches the parameters that its density uses, whichever side they are on: one group does for both.

    Arguments:
        num_samples: The number K of draws.
        sleep: The share s of the sleep phase in the inference's loss: 0 none, 1 nothing else.

    Example:
        >>> RWS(num_samples=5, sleep=0.5).warnings(Progress())
        []

    References:
        | Reweighted wake-sleep (Bornschein & Bengio, 2015), https://arxiv.org/abs/1406.2751
        | Revisiting reweighted wake-sleep (Le et al., 2019), https://arxiv.org/abs/1805.10469
    """

    needs = ("has_density_at", "in_support")
    monitor = "val/iw_elbo"

    def __init__(self, num_samples: PositiveInt = 10, sleep: Probability = 0.0) -> None:
        super().__init__()
        self.num_samples, self.sleep = num_samples, sleep

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        scored = model.score(batch, still(self.draw(model, batch, self.num_samples)))
        weight = scored.log_weight.detach().softmax(0)
        loss = -(weight * scored.log_joint).sum(0)
        if self.sleep < 1:
            loss = loss - (1 - self.sleep) * (weight * scored.log_q).sum(0)
        if self.sleep > 0:
            loss = loss - self.sleep * model.log_posterior(*dream(model, batch))[0]
        return Losses({"model": loss.mean()}, weight_terms(scored.log_weight, scored.log_lik))

    def warnings(self, progress: Progress) -> list[str]:
        if self.num_samples > 1 or self.sleep == 1:
            return []
        return [
            "one draw weighs 1 whatever it is, so the wake phase teaches the posterior nothing; "
            "raise objective.num_samples"
        ]


@torch.no_grad()
def dream(model: LatentVariableModel, batch: Batch) -> tuple[Batch, dict[str, Tensor]]:
    """As many examples as in a batch, of the model's own, fully observed, with their latents of shape `(1, B, ...)`.

    They are conditioned on what the batch is; sequences end where an end was drawn, or else where the batch's do.
    """
    latents: dict[str, Tensor] = {}
    condition, lengths = model.condition_of(batch), batch.lengths

    def pick(name: str, q: object, p: Any) -> Tensor:
        latents[name] = p.sample(torch.Size((1, len(batch))[: 2 - len(p.batch_shape)]))
        return latents[name]

    x = model.walk(Batch(None, condition=condition), pick)().sample()[0]
    if lengths is not None and model.spec.end is not None:
        # As in the data, the end itself is one of the steps.
        lengths = ((x == model.spec.end).cumsum(1) == 0).sum(1).add(1).clamp_max(x.shape[1])
    return Batch(x, lengths=lengths, condition=condition, index=batch.index), latents
