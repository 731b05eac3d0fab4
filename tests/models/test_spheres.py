"""TINY on the circle: evidence by importance sampling, and a VampPrior of spheres, against quadrature."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import IWAE, DReG, Progress
from lvm_experiments.posteriors import Posterior, PowerSphericalPosterior, VonMisesFisherPosterior
from lvm_experiments.priors import HypersphericalUniformPrior, StandardNormalPrior, VampPrior
from lvm_experiments.spec import DataSpec
from tests.support.priors import model_with
from tests.support.tiny import IMAGES

KINDS = [VonMisesFisherPosterior, PowerSphericalPosterior]
PRIORS = {"uniform": HypersphericalUniformPrior, "vampprior": partial(VampPrior, number=5, start="random", spread=0.7)}
each = pytest.mark.parametrize("kind", KINDS)
pytestmark = pytest.mark.usefixtures("float64")


def circle(nodes: int = 4000) -> tuple[Tensor, float]:
    """Points of the circle, shape `(nodes, 2)`, and what each stands for."""
    turn = torch.arange(nodes) * (2 * math.pi / nodes)
    return torch.stack([turn.cos(), turn.sin()], -1), 2 * math.pi / nodes


@pytest.mark.parametrize("prior", PRIORS)
@each
@torch.no_grad()
def test_tiny(kind: type[Posterior], prior: str) -> None:
    """The prior integrates to 1, the 8 images have probability 1 and are estimated right, K = 5000; draws agree."""
    model = model_with(PRIORS[prior], 2, kind)
    z, piece = circle()
    log_prior = model.prior().log_prob(z)
    assert (log_prior.exp().sum() * piece).item() == pytest.approx(1, abs=1e-12)
    log_lik = torch.cat([model.p_x(z[:, None]).log_prob(x[None]) for x in IMAGES], 1)
    truth = (log_prior[:, None] + log_lik).logsumexp(0) + math.log(piece)
    assert truth.exp().sum().item() == pytest.approx(1, abs=1e-12)
    if kind is VonMisesFisherPosterior:  # the other's density is 0 at one point, and weights there are infinite
        evidence = model.evidence(Batch(IMAGES, index=torch.arange(8)), 5000, chunk=2500, seed=0)
        assert evidence.standard_error.max() < 0.1
        assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error).all()
    log_q = model.q_z(Batch(IMAGES)).log_prob(z[:, None])
    bound = (log_q.exp() * (log_prior[:, None] + log_lik - log_q.clamp_min(-1e3))).sum(0) * piece
    log_weight = model.draw(IMAGES, 5000, differentiable=False).log_weight
    assert ((log_weight.mean(0) - bound).abs() < 4 * log_weight.std(0) / 5000**0.5).all()
    assert (bound < truth).all()
    torch.manual_seed(0)
    drawn = model.prior().sample((100, 100)).flatten(0, 1)
    for f in (lambda z: z, lambda z: z**2, lambda z: z[:, :1] * z[:, 1:]):
        gap = f(drawn).mean(0) - (log_prior.exp()[:, None] * f(z)).sum(0) * piece
        assert (gap.abs() < 4 * f(drawn).std(0) / 100).all()


@each
def test_the_divergence_is_exact_and_chunks_change_nothing(kind: type[Posterior]) -> None:
    model = model_with(HypersphericalUniformPrior, 3, kind)
    batch = Batch(IMAGES, index=torch.arange(8))
    draw = model.draw(IMAGES, 5000, differentiable=False)
    assert draw.kl.shape == (8,)
    terms = draw.log_q - draw.log_prior
    assert ((terms.mean(0) - draw.kl).abs() < 4 * terms.std(0) / 5000**0.5).all()
    whole, parts = (model.evidence(batch, 20, chunk=chunk, seed=0).log_p for chunk in (20, 3))
    assert torch.allclose(whole, parts, rtol=1e-9)
    alone = model.evidence(Batch(IMAGES[3:4], index=torch.tensor([3])), 20, seed=0).log_p
    assert torch.allclose(alone, whole[3:4], rtol=1e-9)


@each
def test_doubly_reparameterised_gradients_are_those_of_the_bound(kind: type[Posterior]) -> None:
    """40 pairs of means over 250 bounds of two draws; the difference is 0 within 4.5 standard errors."""
    model, x = model_with(HypersphericalUniformPrior, 2, kind), IMAGES[5:6].expand(250, -1)
    apart, size = [], []
    for seed in range(40):
        found = []
        for objective in (IWAE(num_samples=2), DReG(num_samples=2)):
            torch.manual_seed(seed)
            loss = objective(model, Batch(x), Progress()).loss["model"]
            found.append(torch.autograd.grad(loss, model.posterior.parameters_of.bias)[0])
        apart.append(found[0] - found[1])
        size.append(found[0])
    gap, error = torch.stack(apart).mean(0), torch.stack(apart).std(0) / 40**0.5
    assert (gap.abs() < 4.5 * error).all()
    assert (error < 0.1 * torch.stack(size).mean(0).norm()).all()


@each
def test_gradients_of_the_bound_are_those_of_quadrature(kind: type[Posterior]) -> None:
    """E_q[log p(x, z)] - E_q[log q(z)] over the circle; 20,000 draws, by every parameter of the posterior."""
    model, x = model_with(HypersphericalUniformPrior, 2, kind), IMAGES[5:6]
    z, piece = circle(500)
    parameters = list(model.posterior.parameters_of.parameters())
    log_q = model.q_z(Batch(x)).log_prob(z[:, None])
    log_joint = model.log_joint(x, {"z": z[:, None]})
    exact = torch.autograd.grad((log_q.exp() * (log_joint - log_q)).sum() * piece, parameters)
    torch.manual_seed(0)
    pieces = []
    for _ in range(40):
        draw = model.draw(x, 500)
        pieces.append(torch.autograd.grad(draw.log_weight.mean(), parameters))
    for each_piece, truth in zip(zip(*pieces, strict=True), exact, strict=True):
        stack = torch.stack(each_piece)
        assert ((stack.mean(0) - truth).abs() < 4.5 * stack.std(0) / 40**0.5 + 1e-9).all()


@each
def test_what_it_does_not_go_with(kind: type[Posterior]) -> None:
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    spec = DataSpec("binary", (3,), levels=2)

    def model(latent_dim: int, prior: type) -> VAE:
        return VAE(spec, latent_dim, networks[0], kind, prior, networks[1], BernoulliLikelihood)

    with pytest.raises(RequestError, match=r"^model\.prior: .*choose model/prior=.*hyperspherical_uniform"):
        model(3, StandardNormalPrior)
    with pytest.raises(RequestError, match=r"^model\.posterior: a sphere in one dimension is two points; take"):
        model(1, HypersphericalUniformPrior)
