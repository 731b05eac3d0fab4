"""TINY with codes: what is reported of a deterministic posterior, against enumeration of all codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import Evaluation
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, DiscreteContinuousVAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import Identity
from lvm_experiments.posteriors import GradientVectorQuantisedPosterior, Posterior, VectorQuantisedPosterior
from lvm_experiments.priors import AutoregressiveCodesPrior, Prior, UniformCodesPrior
from lvm_experiments.spec import DataSpec
from tests.support.tiny import IMAGES

PRIORS = [UniformCodesPrior, partial(AutoregressiveCodesPrior, hidden=4)]
KINDS = [VectorQuantisedPosterior, GradientVectorQuantisedPosterior]
SPEC = DataSpec("binary", (3,), levels=2)
PAIRS = torch.tensor(list(product(range(3), repeat=2)))
pytestmark = pytest.mark.usefixtures("float64")


def build(kind: type[Posterior], prior: Callable[..., Prior], model: type = VAE) -> VAE:
    torch.manual_seed(0)
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    posterior = partial(kind, codes=3, code_dim=2)
    built = model(SPEC, 2, networks[0], posterior, prior, networks[1], likelihood=BernoulliLikelihood)
    with torch.no_grad():
        for p in built.parameters():
            p.copy_(torch.randn_like(p))
    return built.eval()


def joint(model: VAE) -> Tensor:
    """log p(x, z) of all 9 pairs of codes and 8 images."""
    z = model.posterior.codebook.detach()[PAIRS]
    return model.log_joint(IMAGES, {"z": z[:, None].expand(-1, 8, -1, -1)})


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_bound_is_the_joint_mass_at_the_nearest_codes(kind: type[Posterior], prior: Callable[..., Prior]) -> None:
    model = build(kind, prior)
    masses = joint(model)
    log_p = masses.logsumexp(0)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
    q = model.q_z(Batch(IMAGES))
    chosen = (q.indices @ torch.tensor([3, 1])).tolist()
    assert len(set(chosen)) > 1
    at_codes = torch.stack([masses[pair, image] for image, pair in enumerate(chosen)])
    for samples in (1, 7):
        evidence = model.evidence(Batch(IMAGES, index=torch.arange(8)), samples, seed=0)
        assert torch.allclose(evidence.log_p, at_codes, rtol=1e-12)
    assert (at_codes < log_p).all()
    assert at_codes.exp().sum() < 1
    draw = model.draw(IMAGES, 3, differentiable=False)
    assert torch.allclose(draw.log_lik - draw.kl, at_codes.expand(3, -1), rtol=1e-12)


@torch.no_grad()
def test_samples_are_those_of_the_sum_over_codes() -> None:
    """20,000 images within 4.5 standard errors of their probabilities."""
    model = build(VectorQuantisedPosterior, PRIORS[1])
    p = joint(model).logsumexp(0).exp()
    found = torch.bincount((model.sample(20_000) @ torch.tensor([4.0, 2.0, 1.0])).long(), minlength=8) / 20_000
    assert ((found - p).abs() < 4.5 * (p * (1 - p) / 20_000) ** 0.5).all()


@torch.no_grad()
def test_reconstructions_and_means_are_of_the_codes() -> None:
    model = build(VectorQuantisedPosterior, UniformCodesPrior)
    q = model.q_z(Batch(IMAGES))
    assert torch.equal(model.encode(IMAGES)["z"], model.posterior.codebook[q.indices])
    assert torch.equal(model.reconstruct(IMAGES), model.p_x(q.mean[None]).mean[0])


def test_what_is_reported_says_that_it_is_a_bound() -> None:
    """Exactly, without draws; the same whatever K is asked for."""
    model = build(VectorQuantisedPosterior, PRIORS[1])
    with torch.no_grad():
        log_weight = model.draw(IMAGES, 1, differentiable=False).log_weight[0]
    for samples, chunk in ((1, 1), (50, 20)):
        evaluation = Evaluation(num_samples=samples, chunk=chunk, batch_size=3)
        batches = [Batch(IMAGES[i], index=i) for i in torch.arange(8).split(3)]
        found = {m.name: m for m in evaluation.measure(model, Identity(SPEC), batches, "test").measurements}
        nll, elbo = found["test/nll"], found["test/elbo"]
        assert nll.estimator == "lower bound of the evidence at the nearest codes"
        assert elbo.estimator == "nearest codes, beta = 1"
        assert nll.num_samples is elbo.num_samples is None
        assert nll.monte_carlo_error == 0
        assert nll.value == pytest.approx(-log_weight.mean().item(), rel=1e-12)
        assert elbo.value == pytest.approx(-nll.value, rel=1e-12)
        assert "test/effective_samples" not in found
        share = model.q_z(Batch(IMAGES)).indices.flatten().bincount(minlength=3) / 16
        by_hand = torch.exp(torch.special.entr(share).sum()).item()
        assert 1 < by_hand < 3
        assert found["test/code_perplexity"].value == pytest.approx(by_hand, rel=1e-12)


def test_beside_another_latent_it_is_a_bound_too() -> None:
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    posterior = partial(VectorQuantisedPosterior, codes=3, code_dim=2)
    model = DiscreteContinuousVAE(
        spec=SPEC,
        latent_dim=2,
        categories=3,
        temperature=0.5,
        encoder=networks[0],
        posterior=posterior,
        prior=UniformCodesPrior,
        decoder=networks[1],
        likelihood=BernoulliLikelihood,
    )
    model.prepare(lambda n=None: Batch(IMAGES[:n]))
    batch = Batch(IMAGES, index=torch.arange(8))
    found = {m.name: m for m in Evaluation(num_samples=4).measure(model, Identity(SPEC), [batch], "test").measurements}
    assert found["test/nll"].estimator == (
        "importance sampling, K = 4, posterior as proposal, lower bound of the evidence at the nearest codes"
    )
    assert found["test/nll"].num_samples == 4
    assert 1 <= found["test/effective_samples"].value <= 4
