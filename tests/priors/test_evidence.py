"""Mixtures of normals through a linear decoder: their evidence has a closed form."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import VAE
from lvm_experiments.objectives import ELBO, Progress
from lvm_experiments.priors import DiagonalNormalPrior, ExemplarPrior, MixtureOfNormalsPrior, Prior, VampPrior
from tests.support.linear_gaussian import LinearGaussian

pytestmark = pytest.mark.usefixtures("float64")

PRIORS = {
    "diagonal_normal": DiagonalNormalPrior,
    "mixture_of_normals": partial(MixtureOfNormalsPrior, components=4, spread=2.0),
    "vampprior": partial(VampPrior, number=6, learned_weights=True),
    "exemplar": partial(ExemplarPrior, number=6),
}


def linear(lg: LinearGaussian, make: type[Prior] | partial) -> VAE:
    """LG with another prior, and the posterior that is exact under the standard normal one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = lg.model(stretch=1.2)
        model.prior = make((lg.latent,), model.spec)
        model.prior.bind(model)
        seen = lg.simulate(20, seed=5)
        model.prepare(lambda n=None: Batch(seen[:n]))
        with torch.no_grad():
            for p in model.prior.parameters():
                p.add_(0.3 * torch.randn_like(p))
    return model


def components_of(lg: LinearGaussian, prior: Prior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means (M, L) and variances (M, L), from the parameters alone."""
    held = {name: p.detach().numpy() for name, p in (*prior.named_parameters(), *prior.named_buffers())}
    matrix, covariance = lg.posterior()
    if "loc" in held:
        loc, log_scale = np.atleast_2d(held["loc"]), np.atleast_2d(held["log_scale"])
        logits = held.get("logits", np.zeros(1))
        return np.exp(logits - logsumexp(logits)), loc, np.exp(2 * log_scale)
    u = held.get("pseudo_inputs.x", held.get("exemplars.x"))
    loc = (u - lg.b) @ matrix.T
    variance = np.exp(2 * held["log_scale"]) if "log_scale" in held else 1.2**2 * np.diag(covariance)
    logits = held["logits"]
    return np.exp(logits - logsumexp(logits)), loc, np.broadcast_to(variance, loc.shape)


def log_p(lg: LinearGaussian, prior: Prior, x: Tensor) -> Tensor:
    r"""$\log \sum_m w_m \, \mathcal{N}(x; W \mu_m + b, W S_m W^\top + s^2 I)$, by scipy."""
    each = []
    for w, m, v in zip(*components_of(lg, prior), strict=True):
        covariance = lg.W @ np.diag(v) @ lg.W.T + lg.variance * np.eye(lg.dims)
        each.append(np.log(w) + multivariate_normal(lg.W @ m + lg.b, covariance).logpdf(x.numpy()))
    return torch.tensor(logsumexp(np.stack(each), axis=0))


@pytest.mark.parametrize("name", PRIORS)
def test_evidence_is_the_closed_form(name: str) -> None:
    """12 examples, K = 20,000, 4 standard errors; the standard normal prior's evidence is another."""
    lg = LinearGaussian.make(variance=1.0)
    model, x = linear(lg, PRIORS[name]), lg.simulate(12)
    truth = log_p(lg, model.prior, x)
    evidence = model.evidence(Batch(x, index=torch.arange(12)), 20_000, chunk=5000, seed=0)
    assert (truth - lg.log_p(x)).abs().max() > 0.2
    assert evidence.standard_error.max() < 0.05
    assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error).all()


@pytest.mark.parametrize("name", PRIORS)
def test_samples_are_from_the_model(name: str) -> None:
    """20,000 of them: their mean, and log p(x) on average as that of numpy's samples; 4 standard errors."""
    lg = LinearGaussian.make(variance=0.5)
    model = linear(lg, PRIORS[name])
    torch.manual_seed(0)
    x = model.sample(20_000)
    w, m, v = components_of(lg, model.prior)
    mean = (w[:, None] * m).sum(0) @ lg.W.T + lg.b
    assert (np.abs(x.mean(0).numpy() - mean) < 4 * x.std(0).numpy() / 20_000**0.5).all()
    random = np.random.default_rng(0)
    chosen = random.choice(len(w), 20_000, p=w)
    z = m[chosen] + np.sqrt(v[chosen]) * random.normal(size=(20_000, lg.latent))
    other = torch.tensor(z @ lg.W.T + lg.b + lg.variance**0.5 * random.normal(size=(20_000, lg.dims)))
    mine, theirs = (log_p(lg, model.prior, some) for some in (x, other))
    assert (mine.mean() - theirs.mean()).abs() < 4 * ((mine.var() + theirs.var()) / 20_000).sqrt()


@pytest.mark.parametrize("name", PRIORS)
def test_a_step_reaches_the_prior(name: str) -> None:
    lg = LinearGaussian.make()
    model = linear(lg, PRIORS[name])
    loss = ELBO()(model, Batch(lg.simulate(8)), Progress()).loss["model"]
    loss.backward()
    for p in model.prior.parameters():
        assert p.grad is not None
        assert (p.grad != 0).any()
