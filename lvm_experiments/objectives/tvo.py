"""The thermodynamic variational objective."""

from __future__ import annotations

__all__ = ["TVO"]

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.importance import still, weight_terms
from lvm_experiments.types import AtLeastTwo, OpenProbability, PositiveInt


class TVO(Objective):
    r"""log p(x) as an integral from q to p, bounded by the left Riemann sum of P pieces.

    $$ \log p(x) = \int_0^1 E_{\pi_\beta}[\log w] \, d\beta \ge
    \sum_{j=1}^P (\beta_j - \beta_{j-1}) \, E_{\pi_{\beta_{j-1}}}[\log w], \quad
    \pi_\beta \propto q(z|x)^{1-\beta} \, p(x, z)^\beta $$

    with $w = p(x, z) / q(z|x)$. The expectations are importance sampled from q with the weights $w^\beta$; the
    gradient is $E_{\pi_\beta}[\nabla \log w] + \mathrm{Cov}_{\pi_\beta}[\nabla \log \tilde\pi_\beta, \log w]$, which
    wants no reparameterisation: any posterior will do. One piece is the evidence lower bound with RLOO's gradient.

    Arguments:
        num_samples: The number K of draws; the covariance takes two.
        pieces: The number P of pieces.
        first: $\beta_1$ where there are several; the others are at equal ratios from there to 1.

    Example:
        >>> TVO(pieces=2, first=0.1).partition.tolist()
        [0.0, 0.1, 1.0]

    References:
        | The thermodynamic variational objective (Masrani, Le & Wood, 2019)
        | https://arxiv.org/abs/1907.00031
    """

    needs = ("has_density_at", "in_support")
    monitor = "val/iw_elbo"

    partition: Tensor

    def __init__(self, num_samples: AtLeastTwo = 10, pieces: PositiveInt = 2, first: OpenProbability = 0.025) -> None:
        super().__init__()
        self.num_samples = num_samples
        ends = torch.tensor(first).log().mul(torch.linspace(1, 0, pieces)).exp() if pieces > 1 else torch.ones(1)
        self.register_buffer("partition", torch.cat([torch.zeros(1), ends]), persistent=False)

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        scored = model.score(batch, still(self.draw(model, batch, self.num_samples)))
        lower, upper = self.bounds(scored.log_joint, scored.log_q)
        terms = weight_terms(scored.log_weight, scored.log_lik)
        terms |= {"tvo": lower.detach(), "tvo_upper": upper.detach()}
        return Losses({"model": -lower.mean()}, terms)

    def bounds(self, log_joint: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
        """The left sum, with its gradient, and the right one, an upper bound as K grows; shape `(B,)` each.

        Arguments:
            log_joint: log p(x, z) at draws of q, shape `(K, B)`.
            log_q: log q(z|x), likewise.
        """
        beta, width = self.partition[:, None, None], self.partition.diff()[:, None]
        log_weight = log_joint - log_q
        weight = (beta * log_weight.detach()).softmax(1)  # (P + 1, K, B)
        value = (weight * log_weight).sum(1)
        centred = weight * (log_weight - value.unsqueeze(1)).detach()
        # No centring of the other factor: the weights of this one sum to 0.
        covariance = (centred * (beta * log_joint + (1 - beta) * log_q)).sum(1)
        samples = len(log_weight)
        gradient = (covariance - covariance.detach()) * samples / max(1, samples - 1)
        return (width * (value + gradient)[:-1]).sum(0), (width * value[1:]).sum(0)
