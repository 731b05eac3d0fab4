"""A mixture of independent binary cells, also known as latent class analysis."""

from __future__ import annotations

__all__ = ["BernoulliMixture"]

import math

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import Bernoulli, Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.mixture import MixtureModel
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import FitBy, NonNegativeFloat, PositiveInt

_ROUNDS, _TOLERANCE = 1000, 1e-9
_EDGE = 1e-6  # probabilities keep away from 0 and 1, whose logits are infinite


class BernoulliMixture(MixtureModel):
    r"""$p(x) = \sum_c \pi_c \prod_d \mathrm{Bernoulli}(x_d; \theta_{cd})$.

    Arguments:
        spec: What is known of the data.
        latent_dim: The number of components; None takes 10.
        fit_by: `em`, expectation maximisation before training (where no cell is missing), or `gradient`.
        smoothing: Examples of either value that are added to each cell of a component by expectation
            maximisation; 0 is maximum likelihood, for which a value never seen is impossible.
        restarts: How often expectation maximisation starts anew; the best end is kept.
        encoder: None; it has no use for one, as for the other parts.
        posterior: None.
        prior: None.
        decoder: None.
        likelihood: None.

    Raises:
        RequestError: For a part, and for data that are not binary.

    Example:
        >>> from lvm_experiments.batch import Batch
        >>> model = BernoulliMixture(DataSpec("binary", (4,), levels=2), latent_dim=2)
        >>> model.fit(lambda n=None: Batch((torch.rand(200, 4) < 0.5).float()))
        True

    References:
        | Maximum likelihood from incomplete data via the EM algorithm (Dempster, Laird & Rubin, 1977)
        | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x
    """

    space = "binary"
    likelihood: _BernoulliComponents

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None = None,
        fit_by: FitBy = "em",
        smoothing: NonNegativeFloat = 0.5,
        restarts: PositiveInt = 5,
        encoder: None = None,
        posterior: None = None,
        prior: None = None,
        decoder: None = None,
        likelihood: None = None,
    ) -> None:
        parts = {"encoder": encoder, "posterior": posterior, "prior": prior, "decoder": decoder}
        super().__init__(spec, latent_dim, fit_by, _BernoulliComponents, **parts, likelihood=likelihood)
        self.smoothing, self.restarts = smoothing, restarts

    def optimum(self, x: Tensor) -> Tensor:
        found = [self._climb(x) for _ in range(self.restarts)]
        _, weights, theta = max(found, key=lambda end: end[0])
        self.likelihood.logits.copy_(theta.logit())
        return weights

    def _climb(self, x: Tensor) -> tuple[float, Tensor, Tensor]:
        """Expectation maximisation from random examples: the end's mean log posterior, weights and probabilities."""
        examples = x[torch.randperm(len(x))[: self.latent_dim]]
        theta = 0.25 + 0.5 * examples
        weights = torch.full((len(theta),), 1 / len(theta)).to(x)
        before = now = -math.inf
        for _ in range(_ROUNDS):
            log_joint = x @ theta.log().T + (1 - x) @ torch.log1p(-theta).T + weights.log()
            log_p = torch.logsumexp(log_joint, 1)
            added = self.smoothing * (theta.log() + torch.log1p(-theta)).sum() / len(x)
            now = float(log_p.mean() + added)
            if now - before < _TOLERANCE * abs(now):
                break
            before = now
            shares = torch.exp(log_joint - log_p[:, None])
            counts = shares.sum(0)
            weights = (counts / len(x)).clamp_min(torch.finfo(x.dtype).tiny)
            theta = (shares.T @ x + self.smoothing) / (counts + 2 * self.smoothing).clamp_min(_EDGE)[:, None]
            theta = theta.clamp(_EDGE, 1 - _EDGE)
        return now, weights, theta

    def start(self, centres: Tensor, spread: Tensor) -> None:
        self.likelihood.logits.copy_((0.05 + 0.9 * centres).logit())


class _BernoulliComponents(Likelihood):
    """One-hot component to independent binary cells."""

    space = "binary"

    def __init__(self, spec: DataSpec, components: int) -> None:
        super().__init__(spec)
        self.parameter_shape = (components,)
        self.logits = nn.Parameter(torch.randn(components, spec.dims))

    def forward(self, raw: Tensor) -> Observation:
        return Bernoulli((raw @ self.logits).unflatten(-1, self.spec.shape))
