"""The rate under a constraint on the distortion."""

from __future__ import annotations

__all__ = ["GECO"]

import torch
from torch import Tensor, distributed

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.objectives.score_function import Scored, expectation
from lvm_experiments.processes import several_processes
from lvm_experiments.types import OpenProbability, PositiveFloat, PositiveInt

_BOUNDS = (1e-6, 1e6)  # of the multiplier: a constraint that cannot be met would raise it without end


class GECO(Scored):
    r"""The rate is minimised while the distortion is held at a tolerance.

    $$ L = \mathrm{KL}(q(z|x) \,\|\, p(z)) + \lambda \left( -\frac{1}{K} \sum_k \log p(x|z_k) - \kappa D \right) $$

    After each step $\lambda \leftarrow \lambda \, e^{\eta \hat c}$ with the moving average
    $\hat c \leftarrow \alpha \hat c + (1 - \alpha) c$ of the constraint c, by which the batch's mean distortion per
    dimension exceeds $\kappa$. At $\lambda = 1$ it trains the evidence lower bound. The source's constraint is a
    squared error; in nats it is the same for every likelihood.

    Arguments:
        num_samples: The number K of draws.
        tolerance: The distortion $\kappa$ to hold, in nats per observed dimension; a density's may be negative.
        rate: The step size $\eta$ of $\log \lambda$.
        decay: $\alpha$ of the moving average.

    Attributes:
        multiplier: $\lambda$, a buffer.
        average: $\hat c$, a buffer; no number before the first step.

    Example:
        >>> GECO(tolerance=0.1).multiplier
        tensor(1.)

    References:
        | Taming VAEs (Rezende & Viola, 2018), algorithm 1
        | https://arxiv.org/abs/1810.00597
    """

    multiplier: Tensor
    average: Tensor

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        tolerance: float = 0.1,
        rate: PositiveFloat = 0.01,
        decay: OpenProbability = 0.99,
    ) -> None:
        super().__init__()
        self.num_samples, self.tolerance, self.rate, self.decay = num_samples, tolerance, rate, decay
        self.register_buffer("multiplier", torch.ones(()))
        self.register_buffer("average", torch.full((), torch.nan))

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw, dims = self.draw(model, batch, self.num_samples), model.spec.dims
        # A copy: the backward pass wants the multiplier as it was, and the buffer is changed in place.
        multiplier = self.multiplier.clone()
        loss = expectation(draw, draw.kl - multiplier * draw.log_lik) - multiplier * self.tolerance * dims
        terms = bound_terms(draw)
        if self.training:
            self._update(terms["distortion"].mean() / dims - self.tolerance, progress.share)
        return Losses({"model": loss.mean()}, terms | {"multiplier": multiplier.expand(len(batch))})

    @torch.no_grad()
    def _update(self, constraint: Tensor, share: float) -> None:
        if several_processes():
            # The same multiplier on every rank, and that of one process.
            constraint = constraint * share
            distributed.all_reduce(constraint)
            constraint = constraint / distributed.get_world_size()
        moved = torch.where(self.average.isnan(), constraint, torch.lerp(constraint, self.average, self.decay))
        self.average.copy_(moved)
        self.multiplier.copy_((self.multiplier * torch.exp(self.rate * moved)).clamp(*_BOUNDS))
