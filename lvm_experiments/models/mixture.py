"""Finite mixtures: a category chooses the component that x is drawn from."""

from __future__ import annotations

__all__ = ["MixtureModel"]

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation, OneHot
from lvm_experiments.errors import RequestError
from lvm_experiments.examples import Examples
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.exact import ExactModel, ExactPosterior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import FitBy, PositiveInt

_CLUSTERED = 5000  # examples that say where components begin


class MixtureModel(ExactModel):
    r"""$p(x) = \sum_c \pi_c \, p(x|c)$, the component c one-hot; $p(c|x)$ are its responsibilities.

    A new one gives the components as a likelihood whose raw parameter is c, and their optimum.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number of components; None takes 10.
        fit_by: `em`, expectation maximisation before training (where no cell is missing), or `gradient`.
        components: p(x|c).
        parts: The five parts, all of them None.
    """

    latent = ExactPosterior("one_hot", "score")

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None,
        fit_by: FitBy,
        components: Callable[[DataSpec, int], Likelihood],
        **parts: Any,
    ) -> None:
        super().__init__(spec, **parts)
        self.latent_dim, self.fit_by = latent_dim or 10, fit_by
        self.logits = nn.Parameter(torch.zeros(self.latent_dim))
        self.likelihood = components(spec, self.latent_dim)

    @abstractmethod
    def optimum(self, x: Tensor) -> Tensor:
        """Puts the components at their optimum for x of shape `(N, D)`, float64; the weights, shape `(C,)`."""

    @abstractmethod
    def start(self, centres: Tensor, spread: Tensor) -> None:
        """Puts the components at centres with variances around them, shape `(C, D)` both."""

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        z = pick("z", lambda: self.q_z(batch), OneHot(self.logits))
        return lambda: self.likelihood(z)

    def q_z(self, batch: Batch) -> OneHot:
        """The responsibilities, of batch shape `(B,)`."""
        return OneHot(self._log_joint_of_components(batch))

    def log_marginal(self, batch: Batch) -> Tensor:
        return torch.logsumexp(self._log_joint_of_components(batch), -1).double()

    def _log_joint_of_components(self, batch: Batch) -> Tensor:
        """log p(x, c), shape `(B, C)`."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        each = torch.eye(self.latent_dim).to(self.logits)[:, None].expand(-1, len(batch.x), -1)
        return self.likelihood(each).log_prob(batch.x, batch.observed).T + self.logits.log_softmax(-1)

    @torch.no_grad()
    def fit(self, examples: Examples) -> bool:
        batch = examples() if self.fit_by == "em" else Batch(None)
        if batch.x is None or batch.observed is not None:
            return False
        weights = self.optimum(batch.x.flatten(1).double())
        self.logits.copy_(weights.clamp_min(torch.finfo(torch.float32).tiny).log())
        return True

    @torch.no_grad()
    def prepare(self, examples: Examples) -> None:
        """Starts at clusters of the data: gradients seldom leave an optimum of two components that are one."""
        from sklearn.cluster import KMeans

        super().prepare(examples)
        batch = examples(_CLUSTERED)
        assert batch.x is not None
        x = batch.x.flatten(1).double()
        if batch.observed is not None:
            seen = batch.observed.expand_as(batch.x).flatten(1)
            x = torch.where(seen, x, torch.where(seen, x, 0.0).sum(0) / seen.sum(0).clamp_min(1))
        if len(x) < self.latent_dim:
            raise RequestError(
                f"{self.latent_dim} components need as many training examples, and there are {len(x)}",
                where="model.latent_dim",
                hint=f"choose at most {len(x)}",
            )
        seed = int(torch.randint(2**31, ()))
        found = KMeans(self.latent_dim, n_init=10, random_state=seed).fit(x.numpy())
        centres = torch.from_numpy(found.cluster_centers_)
        spread = ((x - centres[found.labels_]) ** 2).mean(0).expand_as(centres)
        # Where points repeat there may be fewer clusters than components; a weight of 0 would never learn.
        members = torch.bincount(torch.from_numpy(found.labels_).long(), minlength=self.latent_dim)
        self.logits.copy_(members.clamp_min(1).log())
        self.start(centres, spread)
