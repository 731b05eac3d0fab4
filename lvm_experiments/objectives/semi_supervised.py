"""The bound of a model with a latent label, part of which is known."""

from __future__ import annotations

__all__ = ["SemiSupervised"]

import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import M2, LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.types import NonNegativeFloat


class SemiSupervised(Objective):
    r"""The evidence lower bound with the label where it is known, and summed over it where it is not.

    $$ L(x, y) = E_{q(z|x,y)}[\log p(x|z,y)] + \log p(y) - \mathrm{KL}(q(z|x,y) \,\|\, p(z)) $$
    $$ U(x) = \sum_y q(y|x) \, L(x, y) + H(q(y|x)) $$

    Minimised is $-L(x, y) - \alpha \log q(y|x)$ for a labelled example and $-U(x)$ for another. The sum over labels
    is exact, so no gradient has to pass a draw of one.

    Arguments:
        alpha: The weight $\alpha$ of classification.

    Example:
        >>> SemiSupervised(alpha=10.0).monitor
        'val/elbo'

    References:
        | Semi-supervised learning with deep generative models (Kingma, Rezende, Mohamed & Welling, 2014)
        | https://arxiv.org/abs/1406.5298
    """

    def __init__(self, alpha: NonNegativeFloat = 10.0) -> None:
        super().__init__()
        self.alpha = alpha

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        assert isinstance(model, M2)
        every = torch.eye(model.spec.classes).to(next(model.parameters()))[:, None, None]
        draw = self.draw(model, batch, given={"y": every.expand(-1, len(batch), -1, -1)})
        y, z = draw.steps["y"], draw.steps["z"]
        bound = (draw.log_lik + y.log_p - z.kl).T  # L(x, y), shape (B, classes)
        log_q = y.log_q.T
        elbo = (log_q.exp() * (bound - log_q)).sum(-1)
        label = torch.full((len(batch),), -1, device=bound.device) if batch.label is None else batch.label
        known, picked = label >= 0, label.clamp_min(0)[:, None]
        labelled = bound.gather(1, picked)[:, 0]
        log_probability = log_q.gather(1, picked)[:, 0]
        loss = torch.where(known, -labelled - self.alpha * log_probability, -elbo)
        terms = {"elbo": elbo, "distortion": -(log_q.exp() * draw.log_lik.T).sum(-1)}
        terms["rate"] = -terms["elbo"] - terms["distortion"]
        return Losses({"model": loss.mean()}, {name: t.detach() for name, t in terms.items()})

    def check(self, model: LatentVariableModel) -> None:
        if not isinstance(model, M2):
            raise RequestError(
                f"{type(model).__name__} has no latent label",
                where="objective",
                hint="choose objective=elbo or model=m2",
            )
        if model.posterior.gradient == "score":
            raise RequestError(
                "draws of z have to carry gradients", where="model.posterior", hint="choose another model/posterior="
            )
        super().check(model)
