"""The bound with its rate taken apart, and the total correlation weighted."""

from __future__ import annotations

__all__ = ["BetaTC"]

import math
from typing import Any

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.types import AggregateEstimator, NonNegativeFloat, PositiveInt


class BetaTC(Objective):
    r"""Distortion plus three parts of the rate, each with a weight of its own.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \alpha \, I(x; z) + \beta \, \mathrm{KL}(q(z) \,\|\, \prod_l q(z_l))
    + \gamma \, E_q\Big[\sum_l \log q(z_l) - \log p(z)\Big] $$

    with the aggregated posterior $q(z) = \frac{1}{N} \sum_n q(z|x_n)$ over the N training examples. It is estimated
    from a batch of B, to which the example that z was drawn for belongs:

    | estimator | weight of that example | of each other one | $E[\hat q(z)]$ |
    | --- | --- | --- | --- |
    | `mws` | $\frac{1}{N B}$ | $\frac{1}{N B}$ | too low: by a factor N where the batch is the data set |
    | `mss` | $\frac{1}{N}$ | $\frac{N - 1}{N (B - 1)}$ | $q(z)$; exact where the batch is the data set |

    The weights of `mss` are the mean of the published ones, which single out one other example, over which one that
    is: the same expectation with less variance. The logarithm of either is biased. What is reported as total
    correlation under `mws` is therefore about $(L - 1) \log N$ too high; its gradient is not concerned. Several
    processes estimate from the examples of each.

    Arguments:
        num_samples: The number K of draws.
        alpha: The weight of the mutual information of x and z.
        beta: The weight of the total correlation.
        gamma: The weight of the KL of single dimensions.
        estimator: Of q(z): minibatch-weighted (`mws`) or minibatch-stratified (`mss`) sampling.

    Raises:
        RequestError: By `check`, for a model that was not told how many training examples there are.

    Example:
        >>> BetaTC().log_weights(batch=2, size=10).exp()
        tensor([[0.1000, 0.9000],
                [0.9000, 0.1000]])

    References:
        | Isolating sources of disentanglement in variational autoencoders (Chen, Li, Grosse & Duvenaud, 2018)
        | https://arxiv.org/abs/1802.04942
    """

    needs = ("one_latent", "factorised", "has_density_at", "pathwise", "in_support")

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        alpha: NonNegativeFloat = 1.0,
        beta: NonNegativeFloat = 6.0,
        gamma: NonNegativeFloat = 1.0,
        estimator: AggregateEstimator = "mss",
    ) -> None:
        super().__init__()
        self.num_samples, self.estimator = num_samples, estimator
        self.alpha, self.beta, self.gamma = alpha, beta, gamma

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (step,) = draw.steps.values()
        log_q, log_q_product = self.log_aggregate(step.q, step.z, model.spec.size)
        information, correlation = step.log_q - log_q, log_q - log_q_product
        dimensions = log_q_product - step.log_p
        parts = {"mutual_information": information, "total_correlation": correlation, "dimensionwise_kl": dimensions}
        rate = self.alpha * information + self.beta * correlation + self.gamma * dimensions
        terms = bound_terms(draw) | {name: part.detach().mean(0) for name, part in parts.items()}
        return Losses({"model": (rate - draw.log_lik).mean()}, terms)

    def log_aggregate(self, q: Any, z: Tensor, size: int) -> tuple[Tensor, Tensor]:
        r"""$\log \hat q(z)$ and $\sum_l \log \hat q(z_l)$, shape `(K, B)` each.

        Arguments:
            q: The posteriors of the batch, of batch shape `(B,)`.
            z: Draws, of the i-th of them in `z[:, i]`, shape `(K, B, *event)`.
            size: N.
        """
        each = q.log_prob_per_dimension(z.unsqueeze(2))  # (K, B, B, L): of every draw under every posterior
        log_weight = self.log_weights(z.shape[1], size).to(each)
        return (
            torch.logsumexp(each.sum(-1) + log_weight, -1),
            torch.logsumexp(each + log_weight.unsqueeze(-1), -2).sum(-1),
        )

    def log_weights(self, batch: int, size: int) -> Tensor:
        """Of posterior j in the estimate at a draw of i, shape `(B, B)`."""
        if self.estimator == "mws":
            return torch.full((batch, batch), -math.log(size * batch))
        weights = torch.full((batch, batch), (size - 1) / (size * max(1, batch - 1)))
        return weights.fill_diagonal_(1 / size).log()

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        if not model.spec.size:
            raise RequestError(
                "BetaTC needs the number of training examples, and the model was not told (DataSpec.size)",
                where="objective",
                hint="choose a spec with a size, or objective=factor, which needs none",
            )
