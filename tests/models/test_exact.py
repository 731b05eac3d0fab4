"""Exact models against dense formulas, enumeration, and each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import OneHot
from lvm_experiments.errors import RequestError
from lvm_experiments.examples import Examples
from lvm_experiments.likelihoods import GaussianLikelihood
from lvm_experiments.models import (
    VAE,
    BernoulliMixture,
    ExactModel,
    FactorAnalysis,
    GaussianMixture,
    LatentVariableModel,
    ProbabilisticPCA,
)
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, MarginalLikelihood, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

REAL, BINARY = DataSpec("real", (5,)), DataSpec("binary", (4,), levels=2)
LINEAR = [ProbabilisticPCA, FactorAnalysis]
pytestmark = pytest.mark.usefixtures("float64")


def examples_of(x: Tensor) -> Examples:
    return lambda n=None: Batch(x[:n], index=torch.arange(len(x[:n])))


def of_spec(spec: DataSpec, x: Tensor) -> DataSpec:
    return spec.replace(size=len(x), mean=x.mean(0).float(), std=x.std(0).float())


def linear_data(n: int) -> Tensor:
    torch.manual_seed(0)
    z, weight = torch.randn(n, 2), torch.tensor([[2.0, 0], [1, 1], [0, 1.5], [-1, 0.5], [0.3, 0.2]])
    return z @ weight.T + torch.arange(5.0) + torch.tensor([0.3, 0.6, 0.4, 0.8, 0.5]) * torch.randn(n, 5)


def covariance_of(model: Any) -> np.ndarray:
    weight = model.weight.detach().numpy()
    return weight @ weight.T + np.diag(model._log_scale().detach().exp().square().numpy())


def minimise(
    model: LatentVariableModel, objective: Any, x: Tensor, steps: int, lr: float, batch_size: int | None = None
) -> None:
    """Adam, the rate going down to zero."""
    optimizer = torch.optim.Adam(model.parameters(), lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        optimizer.zero_grad()
        rows = torch.randint(len(x), (batch_size,)) if batch_size else slice(None)
        objective(model, Batch(x[rows]), Progress(step)).loss["model"].backward()
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("kind", LINEAR)
def test_evidence_and_posterior_are_those_of_dense_normals_for_every_mask(kind: Callable[..., Any]) -> None:
    x = linear_data(300)
    model = kind(of_spec(REAL, x), 2)
    assert model.fit(examples_of(x))
    mean, covariance = model.mean.detach().numpy(), covariance_of(model)
    weight = model.weight.detach().numpy()
    row = x[:1]
    for bits in product([False, True], repeat=5):
        mask, seen = torch.tensor([bits]), np.array(bits)
        filled = torch.where(mask, row, torch.nan)
        batch = Batch(filled, mask=mask, index=torch.tensor([0]))
        kept = covariance[np.ix_(seen, seen)]
        gap = row[0].numpy()[seen] - mean[seen]
        exact = multivariate_normal.logpdf(gap, cov=kept) if seen.any() else 0.0
        assert model.evidence(batch, 1).log_p.item() == pytest.approx(float(exact), abs=1e-8)
        gain = weight[seen].T @ np.linalg.inv(kept) if seen.any() else np.zeros((2, 0))
        q = model.q_z(batch)
        assert np.allclose(q.mean[0].detach().numpy(), gain @ gap, atol=1e-8)
        assert np.allclose(q.covariance_matrix[0].detach().numpy(), np.eye(2) - gain @ weight[seen], atol=1e-8)


@pytest.mark.parametrize("kind", LINEAR)
def test_every_log_weight_is_the_evidence(kind: Callable[..., Any]) -> None:
    x = linear_data(300)
    model = kind(of_spec(REAL, x), 2)
    model.fit(examples_of(x))
    draw = model.draw(x[:20], 7)
    assert torch.allclose(draw.log_weight, model.log_marginal(Batch(x[:20])).expand(7, -1), atol=1e-6)


@pytest.mark.parametrize("kind", LINEAR)
def test_gradients_reach_the_optimum_of_expectation_maximisation(kind: Callable[..., Any]) -> None:
    x = linear_data(400)
    spec = of_spec(REAL, x)
    fitted, climbed = kind(spec, 2), kind(spec, 2, "gradient")
    assert fitted.fit(examples_of(x))
    assert not climbed.fit(examples_of(x))
    minimise(climbed, MarginalLikelihood(), x, 400, 0.05)
    best, found = (m.log_marginal(Batch(x)).mean().item() for m in (fitted, climbed))
    assert found == pytest.approx(best, abs=1e-3)
    assert found <= best + 1e-6


def test_factor_analysis_explains_what_one_variance_cannot() -> None:
    x, unseen = linear_data(3000).split(1500)
    models = [kind(of_spec(REAL, x), 2) for kind in LINEAR]
    for model in models:
        model.fit(examples_of(x))
    pca, factors = (m.log_marginal(Batch(unseen)).mean().item() for m in models)
    assert factors > pca + 0.05


def test_a_linear_vae_comes_within_a_twentieth_of_a_nat_of_probabilistic_pca() -> None:
    x, unseen = linear_data(2400).split([2000, 400])
    spec = of_spec(REAL, x)
    exact = ProbabilisticPCA(spec, 2)
    exact.fit(examples_of(x))
    torch.manual_seed(1)
    linear = partial(MLPEncoder, hidden=[]), partial(MLPDecoder, hidden=[])
    noise = partial(GaussianLikelihood, variance=4.0)
    vae = VAE(spec, 2, linear[0], DiagonalNormalPosterior, StandardNormalPrior, linear[1], noise)
    minimise(vae, ELBO(), x, 1000, 0.02, 500)
    best = exact.evidence(Batch(unseen), 1).log_p.mean().item()
    found = vae.evidence(Batch(unseen, index=torch.arange(400)), 500, seed=0).log_p.mean().item()
    assert abs(found - best) < 0.05


def known_mixture(n: int) -> tuple[Tensor, Tensor]:
    """Points of a mixture of 5 normals in the plane, and the log density of each."""
    torch.manual_seed(0)
    weights = torch.tensor([0.3, 0.25, 0.2, 0.15, 0.1])
    means = torch.tensor([[0.0, 0], [4, 0], [0, 4], [-4, -1], [3, 4]])
    factors = torch.randn(5, 2, 2).tril() * 0.4 + torch.eye(2) * 0.8
    which = torch.multinomial(weights, n, replacement=True)
    x = means[which] + torch.einsum("nij,nj->ni", factors[which], torch.randn(n, 2))
    each = [
        torch.distributions.MultivariateNormal(m, f @ f.T).log_prob(x) + w.log()
        for m, f, w in zip(means, factors, weights, strict=True)
    ]
    return x, torch.logsumexp(torch.stack(each), 0)


@pytest.mark.parametrize("fit_by", ["em", "gradient"])
def test_a_known_mixture_is_found(fit_by: Any) -> None:
    x, log_p = known_mixture(20_000 + 20_000)
    train, unseen = x.split(20_000)
    model = GaussianMixture(of_spec(DataSpec("real", (2,)), train), 5, fit_by, "full", restarts=3)
    assert model.fit(examples_of(train)) == (fit_by == "em")
    if fit_by == "gradient":
        model.prepare(examples_of(train))
        minimise(model, MarginalLikelihood(), train, 300, 0.05, 1000)
    found = model.evidence(Batch(unseen), 1).log_p.mean().item()
    assert found == pytest.approx(log_p[20_000:].mean().item(), abs=0.02)


def test_a_diagonal_mixture_marginalises_missing_cells() -> None:
    torch.manual_seed(0)
    x = torch.randn(500, 2) * torch.tensor([1.0, 3.0]) + torch.randint(0, 2, (500, 1)) * 5.0
    model = GaussianMixture(of_spec(DataSpec("real", (2,)), x), 3)
    model.fit(examples_of(x))
    row, nodes = x[:1], torch.linspace(-60, 60, 4001)
    plane = torch.stack([row[0, 0].expand(4001), nodes], 1)
    both = model.log_marginal(Batch(plane)).detach()
    one = model.evidence(Batch(torch.tensor([[row[0, 0], torch.nan]]), mask=torch.tensor([[True, False]])), 1).log_p
    integral = torch.logsumexp(both, 0) + torch.log(nodes[1] - nodes[0])
    assert integral.item() == pytest.approx(one.item(), abs=1e-6)


def binary_data(n: int) -> Tensor:
    torch.manual_seed(0)
    theta = torch.tensor([[0.9, 0.8, 0.1, 0.2], [0.2, 0.1, 0.85, 0.7], [0.5, 0.9, 0.9, 0.1]])
    which = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), n, replacement=True)
    return torch.bernoulli(theta[which])


def test_a_bernoulli_mixture_sums_to_one_and_reaches_the_optimum_both_ways() -> None:
    x = binary_data(2000)
    fitted = BernoulliMixture(of_spec(BINARY, x), 3, smoothing=0.0, restarts=5)
    assert fitted.fit(examples_of(x))
    every = torch.tensor(list(product([0.0, 1.0], repeat=4)))
    assert fitted.log_marginal(Batch(every)).exp().sum().item() == pytest.approx(1.0, abs=1e-12)
    best = fitted.log_marginal(Batch(x)).mean().item()
    climbed = BernoulliMixture(of_spec(BINARY, x), 3, "gradient")
    climbed.prepare(examples_of(x))
    minimise(climbed, MarginalLikelihood(), x, 300, 0.1)
    assert climbed.log_marginal(Batch(x)).mean().item() == pytest.approx(best, abs=2e-3)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_gradients_find_no_density_without_bound(covariance: Any) -> None:
    """A column that never varies and a point that repeats, between which variances would shrink to nothing."""
    x = torch.cat([torch.randn(30, 2), torch.full((30, 1), 2.0)], 1)
    x[:10] = x[0]
    spec = of_spec(DataSpec("real", (3,)), x)
    model = GaussianMixture(spec, 2, "gradient", covariance, min_variance=1e-4)
    model.prepare(examples_of(x))
    minimise(model, MarginalLikelihood(), x, 100, 0.5)
    bound = -1.5 * np.log(2 * np.pi * 1e-4)
    assert torch.isfinite(model.log_marginal(Batch(x))).all()
    assert model.log_marginal(Batch(x)).max().item() < bound


@pytest.mark.parametrize("kind", [GaussianMixture, BernoulliMixture])
def test_components_for_which_there_is_no_cluster_have_a_weight(kind: Callable[..., Any]) -> None:
    x = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]).repeat(10, 1)
    space = DataSpec("real", (3,)) if kind is GaussianMixture else DataSpec("binary", (3,), levels=2)
    model = kind(of_spec(space, x), 4, "gradient")
    with pytest.warns(match="Number of distinct clusters"):
        model.prepare(examples_of(x))
    assert torch.isfinite(model.logits).all()


def test_a_mixture_s_draws_are_of_its_density() -> None:
    x = binary_data(500)
    model = BernoulliMixture(of_spec(BINARY, x), 3)
    model.fit(examples_of(x))
    every = torch.tensor(list(product([0.0, 1.0], repeat=4)))
    exact = model.log_marginal(Batch(every)).exp()
    drawn = model.sample(50_000)
    frequency = torch.stack([(drawn == row).all(-1).double().mean() for row in every])
    assert ((frequency - exact).abs() < 4.5 * (exact * (1 - exact) / 50_000).sqrt() + 1e-6).all()
    draw = model.draw(x[:9], 6, differentiable=False)
    assert torch.allclose(draw.log_weight, model.log_marginal(Batch(x[:9])).expand(6, -1), atol=1e-8)


@pytest.mark.parametrize("kind", [ProbabilisticPCA, FactorAnalysis, GaussianMixture, BernoulliMixture])
def test_a_part_is_refused_and_so_is_another_space(kind: Callable[..., ExactModel]) -> None:
    right = BINARY if kind is BernoulliMixture else REAL
    for part in ("encoder", "posterior", "prior", "decoder", "likelihood"):
        with pytest.raises(RequestError, match=f"^model.{part}: .* has no use for one; leave model/{part}=none"):
            kind(right, 2, **{part: object()})
    with pytest.raises(RequestError, match=r"^model: .* and the observations are"):
        kind(DataSpec("counts", (5,)), 2)


def test_only_exact_models_have_a_marginal_likelihood() -> None:
    parts = partial(MLPEncoder, hidden=[]), DiagonalNormalPosterior, StandardNormalPrior, partial(MLPDecoder, hidden=[])
    with pytest.raises(RequestError, match=r"^objective: .*no closed form; choose objective=elbo"):
        MarginalLikelihood().check(VAE(REAL, 2, *parts, GaussianLikelihood))
    with pytest.raises(RequestError, match=r"^model\.latent_dim: .*at most 4"):
        ProbabilisticPCA(REAL, 5)
    with pytest.raises(RequestError, match=r"^model\.latent_dim: .*choose another model=") as refused:
        ProbabilisticPCA(DataSpec("real", (1,)))
    assert "at most 0" not in str(refused.value)


def test_one_hot_categories() -> None:
    logits = torch.randn(3, 2, 4)
    q, p = OneHot(logits, 2), OneHot(torch.zeros(2, 4), 2)
    assert (q.batch_shape, q.event_shape) == ((3,), (2, 4))
    every = torch.stack([torch.stack([torch.eye(4)[a], torch.eye(4)[b]]) for a, b in product(range(4), repeat=2)])
    log_q = q.log_prob(every[:, None])
    assert torch.allclose(log_q.exp().sum(0), torch.ones(3))
    by_hand = (log_q.exp() * (log_q - p.log_prob(every[:, None]))).sum(0)
    assert torch.allclose(torch.distributions.kl_divergence(q, p), by_hand)
    assert torch.allclose(q.entropy(), -(log_q.exp() * log_q).sum(0))
    drawn = q.sample((40_000,))
    error = (q.variance / 40_000).sqrt()
    assert ((drawn.mean(0) - q.mean).abs() < 5 * error).all()
    assert q.log_prob(q.representative).isfinite().all()
    impossible = OneHot(torch.tensor([0.0, -torch.inf]))
    assert impossible.log_prob(torch.tensor([1.0, 0.0])) == 0
    assert impossible.log_prob(torch.tensor([0.0, 1.0])) == -torch.inf
    assert impossible.entropy() == 0
