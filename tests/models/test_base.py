"""What the base class makes of `walk`: one or two layers, events with two axes, conditions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Laplace

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal, Observation
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, LatentVariableModel, Step
from lvm_experiments.models.base import Pick
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior, CodesPrior, TwoLayers
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
SPEC = DataSpec("binary", (3,), levels=2)


def codes() -> VAE:
    decoder = partial(MLPDecoder, hidden=[5])
    encoder = partial(MLPEncoder, hidden=[4])
    return VAE(SPEC, 2, encoder, CodesPosterior, CodesPrior, decoder, BernoulliLikelihood)


def plain() -> VAE:
    decoder = partial(MLPDecoder, hidden=[5])
    encoder = partial(MLPEncoder, hidden=[4])
    return VAE(SPEC, 2, encoder, DiagonalNormalPosterior, StandardNormalPrior, decoder, BernoulliLikelihood)


class Conditioned(LatentVariableModel):
    """p(z|c) and p(x|z, c), for a condition of one number."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec, self.likelihood = spec, BernoulliLikelihood(spec)
        self.prior, self.posterior = nn.Linear(1, 4), nn.Linear(spec.dims + 1, 4)
        self.decoder = nn.Linear(3, spec.dims)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        c = batch.condition
        assert c is not None
        p = DiagonalNormal(*self.prior(c).chunk(2, -1))

        def q() -> Distribution:
            assert batch.x is not None
            return DiagonalNormal(*self.posterior(torch.cat([batch.x, c], 1)).chunk(2, -1))

        z = pick("z", q, p)
        inputs = torch.cat([z, c.expand(*z.shape[:2], 1)], -1)
        return lambda: self.likelihood(self.decoder(inputs).unsqueeze(2))


@pytest.mark.parametrize("K", [1, 6])
@pytest.mark.parametrize("make", [plain, codes, lambda: TwoLayers(SPEC)], ids=["vae", "codes", "layers"])
def test_a_draw_has_its_shapes_and_adds_k_once(make: Callable[[], LatentVariableModel], K: int) -> None:
    draw = make().draw(IMAGES, K)
    assert all(z.shape[:2] == (K, 8) for z in draw.z.values())
    for name in ("log_lik", "log_prior", "log_q", "log_joint", "log_weight"):
        assert getattr(draw, name).shape == (K, 8), name
    assert draw.kl.shape in ((8,), (K, 8))
    assert torch.allclose(draw.log_joint, draw.log_lik + draw.log_prior)
    assert torch.allclose(draw.log_weight, draw.log_joint - draw.log_q)


@pytest.mark.parametrize("make", [plain, codes, lambda: TwoLayers(SPEC)], ids=["vae", "codes", "layers"])
def test_scoring_what_was_drawn_gives_the_same_numbers(make: Callable[[], LatentVariableModel]) -> None:
    model = make()
    draw = model.draw(IMAGES, 5)
    scored = model.score(IMAGES, draw.z)
    assert torch.allclose(scored.log_weight, draw.log_weight, rtol=1e-12)
    assert torch.allclose(model.log_joint(IMAGES, draw.z), draw.log_joint, rtol=1e-12)
    assert torch.allclose(model.log_posterior(IMAGES, draw.z), draw.log_q, rtol=1e-12)


def test_two_layers_add_up_what_each_says() -> None:
    model = TwoLayers(SPEC)
    draw = model.draw(IMAGES, 5)
    a, b = draw.steps["a"], draw.steps["b"]
    assert list(draw.z) == ["a", "b"]
    assert torch.allclose(draw.log_q, a.q.log_prob(a.z) + b.q.log_prob(b.z))
    assert torch.allclose(draw.log_prior, a.p.log_prob(a.z) + b.p.log_prob(b.z))
    # The lower layer's prior hangs on the upper one's draw.
    p_b = DiagonalNormal(*model.p_b(a.z).chunk(2, -1))
    assert torch.allclose(b.log_p, p_b.log_prob(b.z))
    assert a.kl.shape == (8,)
    assert b.kl.shape == (5, 8)
    assert torch.allclose(draw.kl, a.kl + b.kl)


def test_two_layers_importance_sampling_sums_to_one_over_the_images() -> None:
    """No truth by quadrature here, but the probabilities of all images add up: 4 standard errors."""
    evidence = TwoLayers(SPEC).evidence(IMAGES, 20_000, chunk=5000)
    p = evidence.log_p.exp()
    assert abs(p.sum() - 1) < 4 * (p * evidence.standard_error).square().sum().sqrt()


def test_losses_of_one_name_are_added_not_overwritten() -> None:
    """Two quantised layers both have a commitment loss."""
    losses = TwoLayers(SPEC).draw(IMAGES, 2).losses
    assert torch.equal(losses["own"], torch.full((8,), 0.75))
    assert plain().draw(IMAGES).losses == {}


def test_codes_evidence_is_the_sum_over_all_codes() -> None:
    """16 states: importance sampling against enumeration, 4 standard errors."""
    model = codes()
    with torch.no_grad():
        for p in model.decoder.parameters():
            p.mul_(3)
    eye = torch.eye(4)
    states = torch.stack([torch.stack([eye[i], eye[j]]) for i in range(4) for j in range(4)])
    joint = model.log_joint(IMAGES, {"z": states[:, None].expand(16, 8, 2, 4)})
    truth = joint.logsumexp(0)
    assert truth.exp().sum().item() == pytest.approx(1, abs=1e-12)
    evidence = model.evidence(IMAGES, 5000)
    assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error).all()


def test_the_kl_is_exact_where_torch_has_a_closed_form_and_else_the_log_ratio() -> None:
    """The exact one is the mean of the other: 4 standard errors of 50,000 draws."""
    draw = codes().draw(IMAGES, 50_000)
    assert draw.kl.shape == (8,)
    ratio = draw.log_q - draw.log_prior
    assert ((ratio.mean(0) - draw.kl).abs() < 4 * ratio.std(0) / 50_000**0.5).all()
    laplace = Independent(Laplace(torch.zeros(8, 2), torch.ones(8, 2)), 1)
    step = Step(torch.randn(4, 8, 2), laplace, StandardNormalPrior((2,), SPEC)())
    assert torch.equal(step.kl, step.log_q - step.log_p)
    assert step.kl.shape == (4, 8)


def test_a_log_q_that_the_draw_brought_is_kept() -> None:
    brought = torch.randn(4, 8)
    step = Step(torch.randn(4, 8, 2), DiagonalNormal(torch.zeros(8, 2), torch.zeros(8, 2)), codes().prior(), brought)
    assert step.log_q is brought


@pytest.mark.parametrize("make", [plain, codes, lambda: TwoLayers(SPEC)], ids=["vae", "codes", "layers"])
def test_means_of_latents_have_an_axis_per_example(make: Callable[[], LatentVariableModel]) -> None:
    """Also where an event has two axes: they are no draws."""
    model = make()
    means = model.encode(IMAGES)
    for name, step in model.draw(IMAGES).steps.items():
        assert means[name].shape == (8, *step.q.event_shape)
    assert model.reconstruct(IMAGES).shape == (8, 3)
    assert model.decode(means).shape == (8, 3)


def test_the_first_layer_s_mean_is_its_posterior_s() -> None:
    model = TwoLayers(SPEC)
    means = model.encode(IMAGES)
    assert torch.allclose(means["a"], model.q_a(IMAGES).chunk(2, -1)[0])
    below = model.q_b(torch.cat([IMAGES, means["a"]], 1)).chunk(2, -1)[0]
    assert torch.allclose(means["b"], below)


@pytest.mark.parametrize("make", [plain, codes, lambda: TwoLayers(SPEC)], ids=["vae", "codes", "layers"])
def test_samples_have_an_axis_per_draw(make: Callable[[], LatentVariableModel]) -> None:
    x = make().sample(7)
    assert x.shape == (7, 3)
    assert set(x.unique().tolist()) <= {0.0, 1.0}
    assert not x.requires_grad


def test_with_conditions_samples_have_an_axis_for_them_too() -> None:
    model = Conditioned(SPEC)
    c = torch.tensor([[-1.0], [0.0], [1.0]])
    assert model.sample(5, c).shape == (5, 3, 3)
    batch = Batch(IMAGES[:3], condition=c)
    assert model.draw(batch, 4).log_weight.shape == (4, 3)
    assert model.reconstruct(batch).shape == (3, 3)
    assert model.evidence(batch, 10).log_p.shape == (3,)


def test_conditioned_probabilities_sum_to_one_for_each_condition() -> None:
    model = Conditioned(SPEC)
    with torch.no_grad():
        model.posterior.weight.mul_(0.2)
        model.posterior.bias.copy_(torch.tensor([0.0, 0.0, 0.5, 0.5]))
    for c in (-0.5, 0.7):
        batch = Batch(IMAGES, condition=torch.full((8, 1), c))
        evidence = model.evidence(batch, 20_000, chunk=5000)
        assert evidence.effective_samples.min() > 100
        p = evidence.log_p.exp()
        assert abs(p.sum() - 1) < 4 * (p * evidence.standard_error).square().sum().sqrt()


class _Relaxed(DiagonalNormal):
    """Its training draws leave the support, as a relaxed family's do."""

    def rsample(self, sample_shape: torch.Size = torch.Size()) -> Tensor:
        return super().rsample(sample_shape) + 100

    def sample(self, sample_shape: torch.Size = torch.Size()) -> Tensor:
        return super().rsample(sample_shape).detach()


class _RelaxedPosterior(DiagonalNormalPosterior):
    def forward(self, features: Tensor) -> DiagonalNormal:
        return _Relaxed(*self.parameters_of(features).chunk(2, -1))


def test_training_draws_by_rsample_and_evaluation_by_sample() -> None:
    model = plain()
    model.posterior = _RelaxedPosterior(4, 2)
    assert (model.draw(IMAGES, 5).z["z"] > 50).all()
    assert (model.draw(IMAGES, 5, differentiable=False).z["z"] < 50).all()
    evaluated = next(iter(model.draws(Batch(IMAGES, index=torch.arange(8)), 5, seed=0)))
    assert (evaluated.z["z"] < 50).all()
    assert model.evidence(IMAGES, 500).log_p.exp().sum() > 0.5


def test_training_draws_carry_gradients_and_evaluation_s_do_not() -> None:
    model = plain()
    assert model.draw(IMAGES, 5).log_weight.requires_grad
    assert not model.draw(IMAGES, 5, differentiable=False).z["z"].requires_grad
    assert not model.evidence(IMAGES, 5).log_p.requires_grad
    assert torch.is_grad_enabled()


def test_keyed_draws_need_the_examples_numbers() -> None:
    with pytest.raises(ValueError, match="examples' numbers"):
        plain().evidence(IMAGES, 5, seed=0)


def test_nothing_seen_has_no_likelihood_and_no_posterior() -> None:
    model = plain()
    with pytest.raises(ValueError, match="a posterior needs observations"):
        model.draw(Batch(None, condition=torch.zeros(3, 1)))
    draw = model.draw(IMAGES, 2)
    draw.batch = Batch(None)
    with pytest.raises(ValueError, match="nothing was observed"):
        _ = draw.log_lik


def test_the_decoder_runs_only_where_p_x_is_wanted() -> None:
    model, calls = plain(), []
    model.decoder.register_forward_hook(lambda *_: calls.append(1))
    z = model.draw(IMAGES, 3).z
    calls.clear()
    model.encode(IMAGES)
    model.log_posterior(IMAGES, z)
    assert calls == []
    model.log_joint(IMAGES, z)
    assert calls == [1]
