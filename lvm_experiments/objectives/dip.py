"""The bound with a penalty on the covariance of the latents."""

from __future__ import annotations

__all__ = ["DIP"]

from typing import Any

from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress
from lvm_experiments.objectives.elbo import bound_terms
from lvm_experiments.options import options_where
from lvm_experiments.types import LatentCovariance, NonNegativeFloat, PositiveInt


class DIP(Objective):
    r"""Distortion and rate, and a covariance that is pulled to the identity.

    $$ L = -\frac{1}{K} \sum_k \log p(x|z_k) + \mathrm{KL}(q(z|x) \,\|\, p(z))
    + \lambda_{od} \sum_{i \ne j} C_{ij}^2 + \lambda_d \sum_i (C_{ii} - 1)^2 $$

    | covariance of | C |
    | --- | --- |
    | `means` (DIP-VAE-I) | $\mathrm{Cov}_x[\mu(x)]$ |
    | `draws` (DIP-VAE-II) | $\mathrm{Cov}_{q(z)}[z] = \mathrm{Cov}_x[\mu(x)] + E_x[\Sigma(x)]$ |

    $\mu$ and $\Sigma$ are the posterior's mean and covariance; where it does not factorise, the K draws estimate
    $\Sigma$. C is an unbiased estimate from the batch (that of each process, where there are several); its squares
    are too large by terms of the order of 1 / B.

    Arguments:
        num_samples: The number K of draws.
        off_diagonal: $\lambda_{od}$.
        diagonal: $\lambda_d$.
        covariance: Of the posterior `means` or of `draws`.

    Example:
        >>> DIP(covariance="draws", diagonal=10.0).penalty(torch.eye(3)).item()
        0.0

    References:
        | Variational inference of disentangled latent concepts from unlabeled observations
        | (Kumar, Sattigeri & Balakrishnan, 2018), https://arxiv.org/abs/1711.00848
    """

    needs = ("one_latent", "real", "pathwise")

    def __init__(
        self,
        num_samples: PositiveInt = 1,
        off_diagonal: NonNegativeFloat = 10.0,
        diagonal: NonNegativeFloat = 100.0,
        covariance: LatentCovariance = "means",
    ) -> None:
        super().__init__()
        self.num_samples, self.covariance = num_samples, covariance
        self.off_diagonal, self.diagonal = off_diagonal, diagonal

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch, self.num_samples)
        (step,) = draw.steps.values()
        penalty = self.penalty(self.covariance_of(step.q, step.z))
        loss = (draw.kl - draw.log_lik).mean() + penalty
        return Losses({"model": loss}, bound_terms(draw) | {"dip": penalty.detach().expand(len(batch))})

    def covariance_of(self, q: Any, z: Tensor) -> Tensor:
        """C of the posteriors of a batch, shape `(L, L)`.

        Arguments:
            q: The posteriors, of batch shape `(B,)`.
            z: Their draws, shape `(K, B, L)`.
        """
        mean = q.mean
        centred = mean - mean.mean(0)
        # One example has no deviation; its batch is not to end the run.
        found = centred.T @ centred / max(1, len(centred) - 1)
        if self.covariance == "means":
            return found
        if hasattr(q, "log_prob_per_dimension"):
            return found + q.variance.mean(0).diag()
        within = (z - mean).flatten(0, 1)
        return found + within.T @ within / len(within)

    def penalty(self, covariance: Tensor) -> Tensor:
        """The weighted squares of what differs from the identity, shape `()`."""
        diagonal = covariance.diagonal()
        apart = (covariance**2).sum() - (diagonal**2).sum()
        return self.off_diagonal * apart + self.diagonal * ((diagonal - 1) ** 2).sum()

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        if not all(getattr(q, "has_mean", True) for q in model.posteriors):
            can = options_where("model/posterior", lambda kind: kind.domain == "real" and kind.has_mean)
            raise RequestError(
                "DIP needs a posterior whose mean has a closed form",
                where="objective",
                hint=f"choose model/posterior={'|'.join(can)} or another objective=",
            )
