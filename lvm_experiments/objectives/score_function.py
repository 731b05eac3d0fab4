"""Gradients of expectations under posteriors whose draws carry none."""

from __future__ import annotations

__all__ = ["Scored", "expectation", "expected_log_mean"]

import torch
from torch import Tensor

from lvm_experiments.models import Draw, LatentVariableModel
from lvm_experiments.models.draw import total
from lvm_experiments.objectives.base import Objective, Progress
from lvm_experiments.objectives.importance import log_mean_exp


class Scored(Objective):
    """An objective that takes posteriors with `gradient = "score"` as well, and says once that they want care."""

    num_samples: int
    by_score: tuple[str, ...] = ()

    def bind(self, model: LatentVariableModel) -> None:
        super().bind(model)
        self.by_score = tuple(type(q).__name__ for q in model.posteriors if q.gradient == "score")

    def warnings(self, progress: Progress) -> list[str]:
        if not self.by_score:
            return []
        text = (
            f"draws of {' and '.join(self.by_score)} carry no gradient; the score function's, whose variance is high, "
            f"takes its place"
        )
        if self.num_samples == 1:
            return [f"{text}, and a single draw has no others to be compared with; raise objective.num_samples"]
        return [f"{text}; more objective.num_samples lower it"]


def expectation(draw: Draw, cost: Tensor) -> Tensor:
    r"""The mean cost of K draws, shape `(B,)`, whose gradient is unbiased for that of $E_q[c(z)]$.

    Draws that carry gradients do it by themselves. For the others comes in the score function, with the mean cost
    of the other draws as its baseline,

    $$ \frac{1}{K-1} \sum_k (c_k - \bar c) \nabla \log q(z_k|x) . $$

    A single draw has no baseline.

    Arguments:
        draw: K draws.
        cost: What each costs, shape `(K, B)`.

    References:
        | Buy 4 REINFORCE samples, get a baseline for free! (Kool, van Hoof & Welling, 2019)
        | https://openreview.net/forum?id=r1lgTGL5DE
    """
    log_q = _without_gradient(draw)
    if log_q is None:
        return cost.mean(0)
    samples, signal = len(cost), cost.detach()
    if samples > 1:
        signal = (signal - signal.mean(0)) * samples / (samples - 1)
    return cost.mean(0) + _score(signal, log_q).mean(0)


def expected_log_mean(draw: Draw) -> Tensor:
    r"""$\hat L = \log \frac{1}{K} \sum_k w_k$, shape `(B,)`, whose gradient is unbiased for that of its expectation.

    Draws without gradients get VIMCO's, $\sum_k (\hat L - \hat L_{-k}) \nabla \log q(z_k|x)$, where in
    $\hat L_{-k}$ the geometric mean of the other weights stands for the k-th. A single draw has no baseline.

    Arguments:
        draw: K draws.

    References:
        | Variational inference for Monte Carlo objectives (Mnih & Rezende, 2016)
        | https://arxiv.org/abs/1602.06725
    """
    bound = log_mean_exp(draw.log_weight)
    log_q = _without_gradient(draw)
    if log_q is None:
        return bound
    signal = bound.detach() - _left_out(draw.log_weight.detach())
    return bound + _score(signal, log_q).sum(0)


def _left_out(log_weight: Tensor) -> Tensor:
    """The bound that each draw's others make of themselves, shape `(K, B)`."""
    samples = len(log_weight)
    if samples == 1:
        return torch.zeros_like(log_weight)
    others = (log_weight.sum(0) - log_weight) / (samples - 1)
    itself = torch.eye(samples, dtype=torch.bool, device=log_weight.device).unsqueeze(-1)
    return log_mean_exp(torch.where(itself, others, log_weight), 1)


def _without_gradient(draw: Draw) -> Tensor | None:
    """log q of the latents whose draws carry no gradient, shape `(K, B)`; None where all do."""
    steps = [step for step in draw.steps.values() if not step.z.requires_grad]
    return total(step.log_q for step in steps) if steps and torch.is_grad_enabled() else None


def _score(signal: Tensor, log_q: Tensor) -> Tensor:
    """Zero, with the gradient signal * grad log q."""
    return signal * (log_q - log_q.detach())
