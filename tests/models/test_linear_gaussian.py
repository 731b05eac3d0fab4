"""LG: traps 1, 2, 3 and 12 on a model whose every number is known, put together from production parts."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import Evidence
from lvm_experiments.noise import keyed_noise
from lvm_experiments.objectives import ELBO, IWAE, Objective, Progress
from tests.support.linear_gaussian import LinearGaussian

pytestmark = pytest.mark.usefixtures("float64")
VARIANCES = [0.01, 1.0, 4.0]


@pytest.mark.parametrize("latent", [2, 3])
@pytest.mark.parametrize("variance", VARIANCES)
def test_every_single_log_weight_is_log_p_with_the_exact_posterior(variance: float, latent: int) -> None:
    """Variance 0, to 1e-9 nats: scale, sum over pixels and normalisers are all there."""
    lg = LinearGaussian.make(variance, latent)
    x = lg.simulate(40)
    draw = lg.model().draw(x, 50)
    assert draw.log_weight.shape == (50, 40)
    assert torch.allclose(draw.log_weight, lg.log_p(x).expand(50, -1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("variance", VARIANCES)
def test_float32_is_as_exact_as_float32_can_be(variance: float) -> None:
    """To 1e-5 relative, and 1e-3 where residuals are divided by 0.01."""
    lg = LinearGaussian.make(variance)
    x = lg.simulate(40)
    single = lg.model().float()
    single.likelihood.log_scale = single.likelihood.log_scale.float()
    single.prior.like = single.prior.like.float()
    log_weight = single.draw(x.float(), 10).log_weight
    assert log_weight.dtype == torch.float32
    assert torch.allclose(log_weight.double(), lg.log_p(x).expand(10, -1), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("variance", VARIANCES)
def test_with_the_analytic_kl_samples_scatter_and_their_mean_is_log_p(variance: float) -> None:
    """Within 4 standard errors of 20,000 draws."""
    lg = LinearGaussian.make(variance)
    x = lg.simulate(5)
    draw = lg.model().draw(x, 20_000)
    elbo = draw.log_lik - draw.kl
    error = elbo.std(0) / 20_000**0.5
    assert (elbo.std(0) > 0.1).all()
    assert ((elbo.mean(0) - lg.log_p(x)).abs() < 4 * error).all()


def test_both_forms_of_the_kl_have_one_mean() -> None:
    """Away from the exact posterior; 4 standard errors of the paired difference of 50,000 draws."""
    lg = LinearGaussian.make(1.0)
    draw = lg.model(shift=0.5, stretch=1.3).draw(lg.simulate(5), 50_000)
    gap = (draw.log_lik - draw.kl) - draw.log_weight
    assert (gap.mean(0).abs() < 4 * gap.std(0) / 50_000**0.5).all()
    assert (draw.log_weight.mean(0) < lg.log_p(draw.batch.x) - 0.01).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("objective", [ELBO(num_samples=3), IWAE(num_samples=3)], ids=["elbo", "iwae"])
def test_a_batch_twice_over_has_the_same_loss(objective: Objective) -> None:
    """A mean over examples: keyed noise gives both copies of an example the same draws."""
    lg = LinearGaussian.make(1.0)
    model, x, index = lg.model(shift=0.3), lg.simulate(6), torch.arange(6)
    losses = []
    for batch in (Batch(x, index=index), Batch(x.repeat(2, 1), index=index.repeat(2))):
        assert batch.index is not None
        with keyed_noise(batch.index, 0):
            losses.append(objective(model, batch, Progress()).loss["model"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-13)


def test_pixels_twice_over_have_twice_the_log_likelihood() -> None:
    """A sum over pixels, and the normaliser counted for each."""
    lg = LinearGaussian.make(0.25)
    twice = LinearGaussian(np.concatenate([lg.W, lg.W]), np.concatenate([lg.b, lg.b]), 0.25)
    x, z = lg.simulate(6), torch.randn(4, 6, 2)
    once = lg.model().score(x, {"z": z}).log_lik
    both = twice.model().score(torch.cat([x, x], 1), {"z": z}).log_lik
    assert torch.allclose(both, 2 * once, rtol=1e-13)


# ---- importance weighting ----------------------------------------------------------------------


@pytest.mark.parametrize("K", [1, 5, 50])
@pytest.mark.parametrize("variance", VARIANCES)
def test_the_iwae_bound_is_log_p_for_all_k_with_the_exact_posterior(variance: float, K: int) -> None:
    lg = LinearGaussian.make(variance)
    x = lg.simulate(20)
    losses = IWAE(num_samples=K)(lg.model(), Batch(x), Progress())
    assert torch.allclose(losses.terms["iw_elbo"], lg.log_p(x), rtol=0, atol=1e-9)
    assert losses.loss["model"].item() == pytest.approx(-lg.log_p(x).mean().item(), abs=1e-9)


def test_one_sample_of_the_iwae_is_the_log_weight_bound_with_the_same_noise() -> None:
    lg = LinearGaussian.make(1.0)
    model, x = lg.model(shift=0.5, stretch=0.8), lg.simulate(20)
    torch.manual_seed(3)
    draw = model.draw(x, 1)
    torch.manual_seed(3)
    bound = IWAE(num_samples=1)(model, Batch(x), Progress()).terms["iw_elbo"]
    assert torch.equal(bound, draw.log_weight[0])


def test_the_bound_does_not_decrease_with_k_and_stays_below_log_p() -> None:
    """From the same draws in groups of K; each step is at least -4 standard errors of the paired difference."""
    lg = LinearGaussian.make(0.5)
    x = lg.simulate(200)
    log_weight = lg.model(shift=0.8, stretch=1.1).draw(x, 1024).log_weight.detach()
    bounds = []
    for K in (1, 2, 4, 16, 64, 256):
        groups = log_weight.reshape(-1, K, 200)
        bounds.append((groups.logsumexp(1) - math.log(K)).mean(0))
    for lower, higher in itertools.pairwise(bounds):
        gap = higher - lower
        assert gap.mean() > -4 * gap.std() / 200**0.5
    gains = [(b - a).mean().item() for a, b in itertools.pairwise(bounds)]
    assert gains[0] > 0.05
    left = lg.log_p(x) - bounds[-1]
    assert left.mean() > -4 * left.std() / 200**0.5
    assert left.mean() < 0.05


def relative_variance(lg: LinearGaussian, x: Tensor) -> float:
    """Var[p(x|z)] / p(x)^2 under the prior, from N(x; m, s^2)^2 = N(x; m, s^2 / 2) (4 pi s^2)^(-D/2)."""
    halved = LinearGaussian(lg.W, lg.b, lg.variance / 2)
    log_square = halved.log_p(x) - lg.dims / 2 * math.log(4 * math.pi * lg.variance)
    return float((log_square - 2 * lg.log_p(x)).exp() - 1)


def test_with_the_prior_as_proposal_the_error_falls_as_one_over_k() -> None:
    """K (log p - E[bound]) tends to half the relative variance of a weight: within 3 / K and 4 standard errors.

    The mean weight is unbiased, so adding it minus 1 changes no mean and takes most of the scatter away.
    """
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(1)
    limit = relative_variance(lg, x) / 2
    model = lg.model_with_prior_as_posterior()
    for K in (16, 64, 256):
        log_ratio = model.evidence(x.expand(20_000, -1), K).log_p - lg.log_p(x)
        unbiased = log_ratio.exp() - 1
        assert abs(unbiased.mean()) < 4 * unbiased.std() / 20_000**0.5
        gap = K * (unbiased - log_ratio)
        error = gap.std().item() / 20_000**0.5
        assert error < 0.02 * limit
        assert abs(gap.mean().item() / limit - 1) < 3 / K + 4 * error / limit


@pytest.mark.parametrize("variance", [1.0, 4.0])
def test_estimates_from_the_prior_are_log_p(variance: float) -> None:
    """Within 4 of the Monte Carlo errors they state, K = 20,000."""
    lg = LinearGaussian.make(variance)
    x = lg.simulate(20)
    evidence = lg.model_with_prior_as_posterior().evidence(x, 20_000, chunk=5000)
    assert ((evidence.log_p - lg.log_p(x)).abs() < 4 * evidence.standard_error).all()
    assert (evidence.standard_error < 0.2).all()


def test_the_stated_monte_carlo_error_is_that_of_repeated_estimates() -> None:
    """4,000 repeats at an effective sample size above 100: the spread to 5 %, coverage to 4 standard errors."""
    lg = LinearGaussian.make(1.0)
    x = lg.simulate(1).expand(4000, -1)
    evidence = lg.model(shift=0.3, stretch=1.3).evidence(x, 300, chunk=100)
    assert evidence.effective_samples.min() > 100
    errors = (evidence.log_p - lg.log_p(x[:1])) / evidence.standard_error
    assert errors.std().item() == pytest.approx(1, abs=0.05)
    assert abs(errors.mean().item()) < 4 / 4000**0.5 + 0.05
    covered = (errors.abs() < 1.96).double().mean().item()
    assert abs(covered - 0.95) < 4 * (0.95 * 0.05 / 4000) ** 0.5
    spread = evidence.log_p.std() / evidence.standard_error.mean()
    assert spread.item() == pytest.approx(1, abs=0.05)


def test_with_the_exact_posterior_one_draw_is_enough() -> None:
    lg = LinearGaussian.make(1.0)
    evidence = lg.model().evidence(lg.simulate(10), 7)
    assert torch.allclose(evidence.effective_samples, torch.full((10,), 7.0))
    assert (evidence.standard_error < 1e-7).all()
    assert evidence.num_samples == 7


# ---- missing cells -----------------------------------------------------------------------------

MASKS = [np.array(m) for m in itertools.product([False, True], repeat=5)]


def exact_draws(lg: LinearGaussian, x: Tensor, seen: np.ndarray, n: int) -> tuple[Tensor, Tensor]:
    """z from the exact posterior given what was seen, a full normal, and its log density."""
    M, covariance = lg.posterior(seen)
    mean = (x.numpy()[:, seen] - lg.b[seen]) @ M.T
    q = torch.distributions.MultivariateNormal(torch.tensor(mean), torch.tensor(covariance))
    z = q.sample((n,))
    return z, q.log_prob(z)


@pytest.mark.parametrize("variance", VARIANCES)
def test_the_evidence_of_what_was_seen_is_exact_for_all_masks(variance: float) -> None:
    """Every single log p(x_obs, z) - log q(z|x_obs), whatever stands in the missing cells."""
    lg = LinearGaussian.make(variance)
    model, x = lg.model(), lg.simulate(4)
    for seen in MASKS:
        z, log_q = exact_draws(lg, x, seen, 6)
        mask = torch.tensor(seen).expand(4, -1)
        for filler in (0.0, 1e6, torch.nan):
            batch = Batch(torch.where(mask, x, filler), mask=mask)
            log_weight = model.score(batch, {"z": z}).log_joint - log_q
            assert torch.allclose(log_weight, lg.log_p(x, seen).expand(6, -1), rtol=0, atol=1e-8)


def test_the_importance_weighted_limit_is_the_evidence_of_what_was_seen() -> None:
    """With the prior as proposal, K = 20,000, 4 standard errors, all 32 masks; nothing seen: exactly 0."""
    lg = LinearGaussian.make(1.0)
    model, x = lg.model_with_prior_as_posterior(), lg.simulate(1).expand(32, -1)
    masks = torch.tensor(np.stack(MASKS))
    evidence = model.evidence(Batch(torch.where(masks, x, torch.nan), mask=masks), 20_000, chunk=4000)
    truth = torch.cat([lg.log_p(x[:1], seen) for seen in MASKS])
    assert ((evidence.log_p - truth).abs() <= 4 * evidence.standard_error + 1e-9).all()
    assert abs(evidence.log_p[0]) < 1e-9


def test_with_nothing_seen_the_bound_is_minus_the_kl_and_with_all_seen_the_ordinary_one() -> None:
    lg = LinearGaussian.make(1.0)
    model, x = lg.model(shift=0.4), lg.simulate(3)
    with torch.random.fork_rng(devices=[]):
        plain = model.draw(x, 4)
    nothing = torch.zeros(3, 5, dtype=torch.bool)
    z = plain.z
    hidden = model.score(Batch(torch.full_like(x, torch.nan), mask=nothing), z)
    assert (hidden.log_lik == 0).all()
    seen = model.score(Batch(x, mask=~nothing), z)
    assert torch.equal(seen.log_weight, plain.log_weight)


def test_the_encoder_s_answer_does_not_depend_on_the_filler() -> None:
    lg = LinearGaussian.make(1.0)
    model, x = lg.model(), lg.simulate(3)
    mask = torch.tensor([True, False, True, True, False]).expand(3, -1)
    found = []
    for filler in (0.0, 1e6, torch.nan):
        batch = Batch(torch.where(mask, x, filler), mask=mask, index=torch.arange(3))
        evidence = model.evidence(batch, 10, seed=0)
        found.append((evidence.log_p, model.encode(batch)["z"]))
    assert all(torch.equal(a, b) for other in found for a, b in zip(other, found[0], strict=True))
    assert found[0][0].isfinite().all()


def test_weighted_draws_impute_the_exact_conditional_mean() -> None:
    """Self-normalised importance sampling with the prior as proposal; 5 standard errors (delta method)."""
    lg = LinearGaussian.make(1.0)
    model, x = lg.model_with_prior_as_posterior(), lg.simulate(3)
    seen = np.array([True, True, False, True, False])
    mask = torch.tensor(seen).expand(3, -1)
    draw = model.draw(Batch(torch.where(mask, x, torch.nan), mask=mask), 50_000)
    w = draw.log_weight.softmax(0)[..., None]
    guess = (w * draw.x.mean).sum(0)
    error = (w**2 * (draw.x.mean - guess) ** 2).sum(0).sqrt()
    covariance = lg.covariance
    gain = covariance[~seen][:, seen] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
    truth = lg.b[~seen] + (x.numpy()[:, seen] - lg.b[seen]) @ gain.T
    assert ((guess[:, ~seen] - torch.tensor(truth)).abs() < 5 * error[:, ~seen]).all()


def test_no_posterior_of_a_mask_is_diagonal() -> None:
    """Why the tests above use a full normal: W has orthogonal columns, some of its rows have not."""
    _, covariance = LinearGaussian.make(0.01).posterior(np.array([True, True, True, False, False]))
    assert abs(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])) > 0.2


# ---- draws of x --------------------------------------------------------------------------------


def test_samples_have_the_model_s_mean_and_covariance() -> None:
    """100,000 draws of x, not means of them; 5 standard errors each."""
    lg = LinearGaussian.make(0.5)
    model, n = lg.model(), 100_000
    x = model.sample(n)
    truth = torch.tensor(lg.covariance)
    assert ((x.mean(0) - torch.tensor(lg.b)).abs() < 5 * (truth.diag() / n).sqrt()).all()
    spread = (truth.diag()[:, None] * truth.diag() + truth**2).sqrt()
    assert ((torch.cov(x.T) - truth).abs() < 5 * spread / n**0.5).all()
    means = model.sample(n, mean=True)
    assert ((torch.cov(means.T) - torch.tensor(lg.W @ lg.W.T)).abs() < 5 * spread / n**0.5).all()


def test_reconstructions_are_the_mean_of_x_at_the_posterior_mean_of_z() -> None:
    lg = LinearGaussian.make(0.5)
    model, x = lg.model(), lg.simulate(10)
    M, _ = lg.posterior()
    z = (x.numpy() - lg.b) @ M.T
    assert torch.allclose(model.encode(x)["z"], torch.tensor(z))
    assert torch.allclose(model.reconstruct(x), torch.tensor(z @ lg.W.T + lg.b))


def test_evidence_has_no_opinion_on_one_draw_s_error() -> None:
    lg = LinearGaussian.make(0.5)
    evidence = lg.model(shift=0.1).evidence(lg.simulate(3), 1)
    assert isinstance(evidence, Evidence)
    assert evidence.standard_error.isnan().all()
    assert torch.allclose(evidence.effective_samples, torch.ones(3))
