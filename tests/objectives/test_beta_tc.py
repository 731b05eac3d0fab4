from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal, OneHot
from lvm_experiments.errors import RequestError
from lvm_experiments.models import VAE
from lvm_experiments.objectives import BetaTC, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior, StraightThroughCategoricalPosterior
from lvm_experiments.priors import StandardNormalPrior, UniformCategoricalPrior
from tests.objectives.models import PIXELS, small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
N, B, L = 6, 4, 3


def posteriors(n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(n, L, generator=generator), 0.3 * torch.randn(n, L, generator=generator) - 0.5


def densities(z: np.ndarray, loc: Tensor, log_scale: Tensor) -> np.ndarray:
    """log q(z_l|x_n) by scipy, shape (n, L)."""
    return norm.logpdf(z, loc.numpy(), log_scale.exp().numpy())


def told() -> VAE:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    model.spec = PIXELS.replace(size=8)
    return model


@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_the_mean_over_all_batches_of_the_estimated_density(estimator: str) -> None:
    """Of all the ways to draw the other examples: the aggregate for `mss`, and a known share of it for `mws`."""
    loc, log_scale = posteriors(N)
    z = (loc[0] + 0.7).numpy()
    found = []
    for others in combinations(range(1, N), B - 1):
        rows = torch.tensor([0, *others])
        q = DiagonalNormal(loc[rows], log_scale[rows])
        at = torch.tensor(z).expand(1, B, L)
        objective = BetaTC(estimator=estimator)  # type: ignore[arg-type]
        found.append([math.exp(float(log_q[0, 0])) for log_q in objective.log_aggregate(q, at, N)[:1]])
    each = np.exp(densities(z, loc, log_scale).sum(1))
    if estimator == "mss":
        truth = each.mean()
    else:
        truth = (each[0] + (B - 1) / (N - 1) * each[1:].sum()) / (N * B)
        assert truth < 0.5 * each.mean()
    assert np.mean(found) == pytest.approx(truth, rel=1e-12)
    assert np.std(found) > 0.01 * truth


def published(each: np.ndarray, size: int) -> float:
    """Formula S6 of the source for q(z|n) of the example itself, first, and of M others."""
    M = len(each) - 1
    return each[0] / size + each[1:M].sum() / M + (size - M) / (size * M) * each[M]


def test_the_stratified_weights_are_the_mean_of_the_published_ones_over_all_orders() -> None:
    loc, log_scale = posteriors(B)
    z = (loc[0] - 0.4).numpy()
    each = np.exp(densities(z, loc, log_scale).sum(1))
    for size in (B, 10):
        orders = [published(np.array([each[0], *rest]), size) for rest in permutations(each[1:])]
        log_q, _ = BetaTC().log_aggregate(DiagonalNormal(loc, log_scale), torch.tensor(z).expand(1, B, L), size)
        assert math.exp(float(log_q[0, 0])) == pytest.approx(np.mean(orders), rel=1e-12)
        assert np.std(orders) > 0.01 * np.mean(orders)


def test_where_the_batch_is_the_data_set_the_aggregate_is_exact_or_off_by_a_constant() -> None:
    loc, log_scale = posteriors(N)
    q, z = DiagonalNormal(loc, log_scale), torch.randn(2, N, L)
    cells = norm.logpdf(z.numpy()[:, :, None], loc.numpy(), log_scale.exp().numpy())  # (2, N, N, L)
    joint = logsumexp(cells.sum(-1), 2) - math.log(N)
    product = (logsumexp(cells, 2) - math.log(N)).sum(-1)
    exact = BetaTC().log_aggregate(q, z, N)
    np.testing.assert_allclose(exact[0], joint, rtol=1e-10)
    np.testing.assert_allclose(exact[1], product, rtol=1e-10)
    low = BetaTC(estimator="mws").log_aggregate(q, z, N)
    np.testing.assert_allclose(low[0], joint - math.log(N), rtol=1e-10)
    np.testing.assert_allclose(low[1], product - L * math.log(N), rtol=1e-10)


def test_the_total_correlation_of_a_normal_aggregate() -> None:
    """Means drawn from a correlated normal distribution, one width: - log det of the correlation matrix / 2."""
    n, width = 800, 0.5
    covariance = np.array([[1.0, 1.2], [1.2, 2.0]])
    loc = torch.tensor(np.random.default_rng(0).multivariate_normal([0, 0], covariance, n))
    q = DiagonalNormal(loc, torch.full_like(loc, math.log(width)))
    whole = covariance + width**2 * np.eye(2)
    truth = -0.5 * np.log(np.linalg.det(whole) / whole.diagonal().prod())
    log_q, log_product = BetaTC().log_aggregate(q, q.sample(torch.Size([1])), n)
    values = (log_q - log_product)[0]
    error = (values.std() / n**0.5).item()
    # The data are a sample, too, which each draw's own example is of.
    assert values.mean().item() == pytest.approx(truth, abs=4 * error + 0.02)
    assert truth > 10 * error


def test_the_aggregate_of_categories() -> None:
    """By their probabilities, multiplied and averaged."""
    logits = torch.randn(5, 2, 3)
    q = OneHot(logits, 2)
    z = q.sample(torch.Size([4]))
    chance = (z[:, :, None] * logits.softmax(-1)).sum(-1)  # (4, 5, 5, 2)
    log_q, log_product = BetaTC().log_aggregate(q, z, 5)
    assert torch.allclose(log_q, chance.prod(-1).mean(-1).log())
    assert torch.allclose(log_product, chance.mean(2).prod(-1).log())


@pytest.mark.parametrize("estimator", ["mss", "mws"])
def test_equal_weights_make_the_evidence_lower_bound(estimator: str) -> None:
    """The three parts telescope, whatever the estimate."""
    model = told()
    objective = BetaTC(4, alpha=1.0, beta=1.0, gamma=1.0, estimator=estimator)  # type: ignore[arg-type]
    torch.manual_seed(7)
    loss = objective(model, Batch(IMAGES), Progress()).loss["model"]
    torch.manual_seed(7)
    assert loss.item() == pytest.approx(-model.draw(IMAGES, 4).log_weight.mean().item(), rel=1e-12)


def test_the_loss_is_that_of_the_reported_parts() -> None:
    torch.manual_seed(7)
    model = told()
    found = BetaTC(2, alpha=0.5, beta=3.0, gamma=2.0)(model, Batch(IMAGES), Progress())
    parts = [found.terms[n].mean() for n in ("mutual_information", "total_correlation", "dimensionwise_kl")]
    truth = found.terms["distortion"].mean() + 0.5 * parts[0] + 3 * parts[1] + 2 * parts[2]
    assert found.loss["model"].item() == pytest.approx(truth.item(), rel=1e-12)
    assert all(term.shape == (8,) for term in found.terms.values())


def test_categories_learn_by_it() -> None:
    posterior = StraightThroughCategoricalPosterior
    model = small_vae(posterior, UniformCategoricalPrior)
    model.spec = PIXELS.replace(size=8)
    objective = BetaTC()
    objective.check(model)
    objective(model, Batch(IMAGES), Progress()).loss["model"].backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_an_example_alone_has_a_loss() -> None:
    found = BetaTC()(told(), Batch(IMAGES[:1]), Progress())
    assert torch.isfinite(found.loss["model"])


def test_the_number_of_training_examples_is_wanted() -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    with pytest.raises(RequestError, match="needs the number of training examples"):
        BetaTC().check(model)
    BetaTC().check(told())
