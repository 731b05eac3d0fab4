"""Parts that no experiment would use, to see that the contracts carry them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Size, Tensor, nn
from torch.distributions import Distribution, Independent, OneHotCategorical

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal, Observation
from lvm_experiments.likelihoods import BernoulliLikelihood, Likelihood
from lvm_experiments.models import Evidence, LatentVariableModel
from lvm_experiments.models.base import Pick
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec


class UniformCells(Observation):
    """A constant density, or mass, per cell."""

    def __init__(self, like: Tensor, log_density: float, middle: float) -> None:
        self.like, self.log_density, self.middle = like, log_density, middle
        super().__init__(like)

    @property
    def support(self) -> torch.distributions.constraints.Constraint:
        return torch.distributions.constraints.real

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return torch.full_like(self.like, self.log_density)

    @property
    def mean(self) -> Tensor:
        return torch.full_like(self.like, self.middle)

    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        raise NotImplementedError


class UniformLikelihood(Likelihood):
    """Uniform over levels (bytes), or over an interval of the given length (real)."""

    def __init__(self, spec: DataSpec, log_density: float, middle: float = 0.0) -> None:
        super().__init__(spec)
        self.log_density, self.middle = log_density, middle

    def forward(self, raw: Tensor) -> UniformCells:
        return UniformCells(raw.squeeze(2), self.log_density, self.middle)


class UniformLevels(UniformLikelihood):
    space = "bytes"


class UniformReal(UniformLikelihood):
    space = "real"


class HistogramCells(Observation):
    """A density on (0, 1) that is constant within each level's bin."""

    support = torch.distributions.constraints.independent(torch.distributions.constraints.unit_interval, 1)

    def __init__(self, like: Tensor, mass: Tensor) -> None:
        self.like, self.mass = like, mass
        super().__init__(like)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        levels = len(self.mass)
        return torch.log(levels * self.mass)[(x * levels).floor().long()].expand_as(self.like)

    @property
    def mean(self) -> Tensor:
        return torch.full_like(self.like, 0.5)

    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        raise NotImplementedError


class HistogramLikelihood(Likelihood):
    space = "unit"

    def __init__(self, spec: DataSpec, mass: Tensor) -> None:
        super().__init__(spec)
        self.mass = mass

    def forward(self, raw: Tensor) -> HistogramCells:
        return HistogramCells(raw.squeeze(2), self.mass)


class CodesPosterior(Posterior):
    """L independent one-of-C codes: an event with two axes."""

    domain = "one_hot"
    gradient = "score"
    has_density_at = True
    factorised = True

    def __init__(self, features: int, latent_dim: int, classes: int = 4) -> None:
        super().__init__()
        self.event_shape = (latent_dim, classes)
        self.layer = nn.Linear(features, latent_dim * classes)

    def forward(self, features: Tensor) -> Distribution:
        logits = self.layer(features).unflatten(-1, self.event_shape)
        return Independent(OneHotCategorical(logits=logits, validate_args=False), 1)


class CodesPrior(Prior):
    domain = "one_hot"

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("logits", torch.zeros(event_shape), persistent=False)

    def forward(self, condition: Tensor | None = None) -> Distribution:
        return Independent(OneHotCategorical(logits=self.logits, validate_args=False), 1)


class TwoLayers(LatentVariableModel):
    """p(a) p(b|a) p(x|b), inferred from the top down; both layers have a loss of the same name."""

    def __init__(self, spec: DataSpec, width: int = 2) -> None:
        super().__init__()
        self.spec, self.width = spec, width
        self.likelihood = BernoulliLikelihood(spec)
        self.q_a = nn.Linear(spec.dims, 2 * width)
        self.q_b = nn.Linear(spec.dims + width, 2 * width)
        self.p_b = nn.Linear(width, 2 * width)
        self.p_x = nn.Linear(width, spec.dims)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        zeros = self.p_x.weight.new_zeros(self.width)
        a = pick("a", lambda: _normal(self.q_a(batch.x), 0.25), DiagonalNormal(zeros, zeros))
        q_b = lambda: _normal(self.q_b(_beside(batch.x, a)), 0.5)  # noqa: E731
        b = pick("b", q_b, _normal(self.p_b(a)))
        return lambda: self.likelihood(self.p_x(b).unsqueeze(2))


def _beside(x: Tensor | None, a: Tensor) -> Tensor:
    assert x is not None
    return torch.cat([x.expand(*a.shape[:2], -1), a], -1)


def _normal(h: Tensor, own_loss: float | None = None) -> DiagonalNormal:
    p = DiagonalNormal(*h.chunk(2, -1))
    if own_loss is not None:
        p.losses = {"own": torch.full((h.shape[-2],), own_loss)}  # type: ignore[attr-defined]
    return p


class Exact(LatentVariableModel):
    """A model that knows its evidence: the log mass of x does not depend on z."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec = spec
        self.likelihood = BernoulliLikelihood(spec)
        self.logits = nn.Parameter(torch.linspace(-1, 1, spec.dims))

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        zeros = self.logits.new_zeros(1)
        normal = DiagonalNormal(zeros, zeros)
        z = pick("z", lambda: normal.expand(torch.Size([len(batch)])), normal)
        return lambda: self.likelihood(self.logits.expand(*z.shape[:2], 1, -1))

    @torch.no_grad()
    def evidence(
        self,
        batch: Batch | Tensor,
        num_samples: int,
        *,
        chunk: int | None = None,
        seed: int | None = None,
    ) -> Evidence:
        x = Batch.wrap(batch).x
        assert x is not None
        return Evidence.exact(self.likelihood(self.logits.expand(1, len(x), 1, -1)).log_prob(x)[0])
