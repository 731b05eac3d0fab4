"""The contract functions find what they are for: each part below breaks one promise, and is told which."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Size, Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Bernoulli, DiagonalNormal, NormalObservation, OneHot, StandardNormal
from lvm_experiments.likelihoods import (
    BernoulliLikelihood,
    GaussianLikelihood,
    PredictedGaussianLikelihood,
)
from lvm_experiments.models import VAE, LatentVariableModel, ProbabilisticPCA
from lvm_experiments.models.draw import Latents
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, IWAE, Losses, Progress
from lvm_experiments.observations import BinariseDynamic, Identity, ToUnit
from lvm_experiments.posteriors import CategoricalPosterior, DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior, UniformCategoricalPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing import (
    check_decoder,
    check_encoder,
    check_likelihood,
    check_model,
    check_objective,
    check_observation_map,
    check_posterior,
    check_prior,
)

BINARY = DataSpec("binary", (5,), levels=2)
REAL = DataSpec("real", (5,))


# ---- likelihoods -------------------------------------------------------------------------------


class _MeanOverPixels(Bernoulli):
    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        return super().log_prob(value, mask) / self.event_shape.numel()


class _MaskByProduct(Bernoulli):
    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        cells = self.cell_log_prob(value)
        return (cells if mask is None else cells * mask).flatten(2).sum(-1)


class _NoMask(Bernoulli):
    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        return super().log_prob(value)


class _MeansForDraws(Bernoulli):
    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return self.mean.detach().expand(*sample_shape, *self.mean.shape)


class _OtherDraws(Bernoulli):
    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return Bernoulli(self.logits * 0.5).sample(sample_shape)


class _BatchMean(Bernoulli):
    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        each = super().log_prob(value, mask)
        return each - 0.1 * each.mean()


class _Overflows(Bernoulli):
    def cell_log_prob(self, x: Tensor) -> Tensor:
        p = self.logits.double().sigmoid().to(self.logits.dtype)
        return torch.where(x > 0.5, p.log(), (1 - p).log())


class _NoNormaliser(NormalObservation):
    def cell_log_prob(self, x: Tensor) -> Tensor:
        return -0.5 * ((x - self.loc) * torch.exp(-self.log_scale)) ** 2


class _WrongVariance(NormalObservation):
    @property
    def variance(self) -> Tensor:
        return torch.exp(self.log_scale).expand_as(self.loc)


class _Over(BernoulliLikelihood):
    """A Bernoulli likelihood with another distribution."""

    def __init__(self, spec: DataSpec, kind: type[Bernoulli]) -> None:
        super().__init__(spec)
        self.kind = kind

    def forward(self, raw: Tensor) -> Bernoulli:
        return self.kind(raw.squeeze(2))


class _OverReal(PredictedGaussianLikelihood):
    def __init__(self, spec: DataSpec, kind: type[NormalObservation]) -> None:
        super().__init__(spec)
        self.kind = kind

    def forward(self, raw: Tensor) -> NormalObservation:
        return self.kind(*raw.unbind(2))


class _IdleParameter(BernoulliLikelihood):
    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.idle = nn.Parameter(torch.zeros(3))


class _ForgetsItsState(GaussianLikelihood):
    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.shift = float(torch.randn(()))

    def forward(self, raw: Tensor) -> NormalObservation:
        return NormalObservation(raw.squeeze(2) + self.shift, self.log_scale)


class _LetsAllIn(BernoulliLikelihood):
    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        return


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_MeanOverPixels, "sum over cells"),
        (_MaskByProduct, "missing cell"),
        (_NoMask, "sum over cells"),
        (_MeansForDraws, "draws lie in the support"),
        (_OtherDraws, "mean of p"),
        (_BatchMean, "does not depend on the others"),
        (_Overflows, "finite at raw parameters"),
    ],
)
def test_broken_bernoullis(kind: type[Bernoulli], promise: str) -> None:
    check_likelihood(partial(_Over, kind=Bernoulli), BINARY)
    with pytest.raises(AssertionError, match=promise):
        check_likelihood(partial(_Over, kind=kind), BINARY)


@pytest.mark.parametrize(("kind", "promise"), [(_NoNormaliser, "integrates to 1"), (_WrongVariance, "variance of p")])
def test_broken_normals(kind: type[NormalObservation], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_likelihood(partial(_OverReal, kind=kind), REAL)


@pytest.mark.parametrize(
    ("kind", "spec", "promise"),
    [
        (_IdleParameter, BINARY, "reach every parameter, not idle"),
        (_ForgetsItsState, REAL, "state_dict"),
        (_LetsAllIn, BINARY, "check refuses NaN"),
    ],
)
def test_broken_likelihoods(kind: type, spec: DataSpec, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_likelihood(kind, spec)


# ---- posteriors and priors ---------------------------------------------------------------------


class _HalfScale(DiagonalNormal):
    """Halves the scale where it draws and not where it scores, as a tanh on a log-variance would."""

    def rsample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return DiagonalNormal(self.loc, self.log_scale - 0.7).rsample(sample_shape)


class _Unnormalised(DiagonalNormal):
    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        return super().log_prob_per_dimension(value) + 0.5


class _Coupled(DiagonalNormal):
    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(value) * 1.01


class _Attached(DiagonalNormal):
    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return self.rsample(sample_shape)


class _OverLatents(DiagonalNormalPosterior):
    def __init__(self, features: int, latent_dim: int, kind: type[DiagonalNormal]) -> None:
        super().__init__(features, latent_dim)
        self.kind = kind

    def forward(self, features: Tensor) -> DiagonalNormal:
        return self.kind(*self.parameters_of(features).chunk(2, -1))


class _AddsK(DiagonalNormalPosterior):
    def forward(self, features: Tensor) -> DiagonalNormal:
        return super().forward(features[None])


class _ConstantScale(DiagonalNormalPosterior):
    def forward(self, features: Tensor) -> DiagonalNormal:
        loc, log_scale = self.parameters_of(features).chunk(2, -1)
        return DiagonalNormal(loc, log_scale.detach())


class _Elsewhere(DiagonalNormalPosterior):
    domain = "complex"


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_HalfScale, "log density of the draws"),
        (_Unnormalised, "log density of the draws"),
        (_Coupled, "sum over dimensions"),
        (_Attached, "gradients do not pass"),
    ],
)
def test_broken_densities(kind: type[DiagonalNormal], promise: str) -> None:
    check_posterior(partial(_OverLatents, kind=DiagonalNormal))
    with pytest.raises(AssertionError, match=promise):
        check_posterior(partial(_OverLatents, kind=kind))


@pytest.mark.parametrize(("kind", "promise"), [(_AddsK, "batch shape"), (_Elsewhere, "domain is one of")])
def test_broken_posteriors(kind: type, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_posterior(kind)


class _DrawsStandard(DiagonalNormal):
    """Draws from N(0, I) whatever its density says, as a published VampPrior does."""

    def rsample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return StandardNormal(self.loc).rsample(sample_shape)


class _BrokenPrior(StandardNormalPrior):
    def forward(self, condition: Tensor | None = None) -> Distribution:
        return _DrawsStandard(self.like + 0.3, self.like - 0.2)


class _ExpandedPrior(StandardNormalPrior):
    def forward(self, condition: Tensor | None = None) -> Distribution:
        return super().forward().expand(torch.Size([4]))


@pytest.mark.parametrize(
    ("kind", "promise"), [(_BrokenPrior, "log density of the draws"), (_ExpandedPrior, "batch shape")]
)
def test_broken_priors(kind: type, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_prior(kind)


# ---- networks ----------------------------------------------------------------------------------


class _SeesTheBatch(MLPEncoder):
    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        h = super().forward(x, batch)
        return h - h.mean(0)


class _Flat(MLPEncoder):
    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        return super().forward(x, batch).sum(1)


class _MixesDraws(MLPDecoder):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z - z.mean(0))


class _WithoutAxis(MLPDecoder):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z).squeeze(2)


def test_broken_networks() -> None:
    for encoder, promise in ((_SeesTheBatch, "no example depends"), (_Flat, "shape")):
        with pytest.raises(AssertionError, match=promise):
            check_encoder(partial(encoder, hidden=[4]), REAL)
    for decoder, promise in ((_MixesDraws, "no draw depends"), (_WithoutAxis, "parameter_shape")):
        with pytest.raises(AssertionError, match=promise):
            check_decoder(partial(decoder, hidden=[4]), (1, 5))


# ---- objectives --------------------------------------------------------------------------------


class _ForgetsOwnLosses(ELBO):
    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = model.draw(batch)
        loss = -(draw.log_lik - draw.kl).mean()
        return Losses({"model": loss}, {"elbo": draw.log_weight[0].detach()})


class _KeepsTheGraph(ELBO):
    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        draw = self.draw(model, batch)
        return Losses({"model": -draw.log_weight.mean()}, {"elbo": draw.log_weight[0]})


class _LeavesOneOut(ELBO):
    def groups(self, model: LatentVariableModel) -> dict[str, list[nn.Parameter]]:
        return {"model": list(model.parameters())[1:]}


class _DetachesTheEncoder(IWAE):
    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        with torch.no_grad():
            z = self.draw(model, batch).z
        draw = model.score(batch, z)
        return Losses({"model": -draw.log_joint.mean()}, {})


class _WatchesNothing(ELBO):
    monitor = "val/beauty"


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_ForgetsOwnLosses, "own losses are added"),
        (_KeepsTheGraph, "detached"),
        (_LeavesOneOut, "every parameter is in a group"),
        (_DetachesTheEncoder, "reaches encoder"),
    ],
)
def test_broken_objectives(kind: type, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_objective(kind)


def test_an_objective_watches_a_metric_that_there_is() -> None:
    with pytest.raises(Exception, match="no metric 'val/beauty'"):
        check_objective(_WatchesNothing)


# ---- models --------------------------------------------------------------------------------------


class _NoisyPosterior(VAE):
    def q_z_embedded(self, x: Tensor, batch: Batch) -> Distribution:
        return super().q_z_embedded(x + 0.1 * torch.randn(x.shape), batch)


class _LooksAtWhatIsMissing(VAE):
    def q_z(self, batch: Batch) -> Distribution:
        assert batch.x is not None
        return super().q_z(batch.replace(mask=None))


class _CentresTheBatch(VAE):
    def q_z_embedded(self, x: Tensor, batch: Batch) -> Distribution:
        return super().q_z_embedded(x - x.mean(0), batch)


class _Counts(VAE):
    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.register_buffer("asked", torch.zeros(()))

    def q_z(self, batch: Batch) -> Distribution:
        self.asked += 1
        return super().q_z(batch)


class _EncodesK(VAE):
    def encode(self, batch: Batch | Tensor) -> Latents:
        return self.draw(batch, 2, differentiable=False).z


class _RelaxedAlways(OneHot):
    def sample(self, sample_shape: Size = torch.Size()) -> Tensor:
        return self.probs.expand(*sample_shape, *self.probs.shape)


class _RelaxedPosterior(CategoricalPosterior):
    def forward(self, h: Tensor) -> OneHot:
        return _RelaxedAlways(super().forward(h).logits, 2)


class _ForgetsTheConstant(ProbabilisticPCA):
    def log_marginal(self, batch: Batch) -> Tensor:
        return super().log_marginal(batch) + 0.5 * self.spec.dims * math.log(2 * math.pi)


def _model(kind: type[VAE], posterior: Any = DiagonalNormalPosterior, prior: Any = StandardNormalPrior) -> VAE:
    torch.manual_seed(0)
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    return kind(BINARY, 2, networks[0], posterior, prior, networks[1], BernoulliLikelihood)


def _binary(n: int = 5) -> Batch:
    x = torch.randint(0, 2, (n, 5), generator=torch.Generator().manual_seed(1)).float()
    return Batch(x, index=torch.arange(n))


def test_a_model_that_keeps_its_promises() -> None:
    check_model(_model(VAE), _binary())


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (_NoisyPosterior, "of a draw is what the same z is scored as"),
        (_LooksAtWhatIsMissing, "missing"),
        (_CentresTheBatch, "does not hang on other examples"),
        (_Counts, "to be asked changes no model, asked neither"),
        (_EncodesK, "the mean of z has shape"),
    ],
)
def test_broken_models(kind: type[VAE], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_model(_model(kind), _binary())


def test_a_relaxed_draw_is_no_category() -> None:
    relaxed, prior = partial(_RelaxedPosterior, classes=3), UniformCategoricalPrior
    with pytest.raises(AssertionError, match="values of its prior"):
        check_model(_model(VAE, relaxed, prior), _binary())


def test_an_evidence_that_lacks_its_constant() -> None:
    batch = Batch(torch.randn(5, 5), index=torch.arange(5))
    with pytest.raises(AssertionError, match=r"are log p\(x\)"):
        check_model(_ForgetsTheConstant(REAL, 2), batch)


# ---- observation maps --------------------------------------------------------------------------


class _Divides255(ToUnit):
    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return super().convert(x, index) * self.levels / (self.levels - 1)


class _NoLogDet(ToUnit):
    def log_det(self) -> None:  # type: ignore[override]
        return None


class _ClaimsToBeLossless(BinariseDynamic):
    def __init__(self, source: DataSpec) -> None:
        super().__init__(source)
        self.lossless = True

    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return (self._noise(x) < self.probabilities(x)).float()


class _NoiseOfTheBatch(ToUnit):
    def _noise(self, x: Tensor) -> Tensor:
        return torch.rand(x.shape, generator=torch.Generator().manual_seed(len(x)))


class _KeepsBytes(Identity):
    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        return x


@pytest.mark.parametrize(
    ("kind", "error", "promise"),
    [
        (_Divides255, AssertionError, "unit values|undoes"),
        (_NoLogDet, AssertionError, "knows its log-determinant"),
        (_ClaimsToBeLossless, AssertionError, "undoes"),
        (_NoiseOfTheBatch, RuntimeError, "no use for generator"),
        (_KeepsBytes, AssertionError, "default type"),
    ],
)
def test_broken_observation_maps(kind: type, error: type[Exception], promise: str) -> None:
    with pytest.raises(error, match=promise):
        check_observation_map(kind, DataSpec("bytes", (1, 4, 4), levels=17))


def test_checks_leave_the_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    check_likelihood(BernoulliLikelihood, BINARY)
    check_posterior(DiagonalNormalPosterior)
    assert torch.equal(torch.get_rng_state(), before)
