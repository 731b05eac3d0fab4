"""VampPrior and exemplars: whose posterior it is, where pseudo-inputs come from, what is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch.distributions import Independent, Normal
from zuko.distributions import NormalizingFlow

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import mixture
from lvm_experiments.errors import RequestError
from lvm_experiments.models import VAE, ConditionalVAE
from lvm_experiments.module import _cares
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.noise import keyed_noise
from lvm_experiments.posteriors import (
    CategoricalPosterior,
    DiagonalNormalPosterior,
    FullNormalPosterior,
    IAFPosterior,
    LowRankNormalPosterior,
    PlanarPosterior,
    Posterior,
    RadialPosterior,
    VonMisesFisherPosterior,
)
from lvm_experiments.priors import BoundedVampPrior, ExemplarPrior, VampPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior, TwoLayers
from tests.support.priors import SPEC, examples, model_with

KEYED: list[Callable[..., Posterior]] = [
    CategoricalPosterior,
    FullNormalPosterior,
    partial(IAFPosterior, hidden=[4]),
    LowRankNormalPosterior,
    RadialPosterior,
    VonMisesFisherPosterior,
]
FEW = partial(VampPrior, number=4, start="random", spread=1.0)


def by_hand(model: VAE, z: torch.Tensor) -> torch.Tensor:
    """log p(z) from torch's distributions at the pseudo-inputs."""
    u = model.prior.pseudo_inputs.x
    q = model.q_z_embedded(u, Batch(u))
    each = Independent(Normal(q.loc, q.log_scale.exp()), 1).log_prob(z[..., None, :])
    return each.logsumexp(-1) - np.log(len(u))


def test_density_and_every_gradient_are_those_of_the_posterior(float64: None) -> None:
    """Through the encoder, the pseudo-inputs and z, to 1e-10."""
    model, z = model_with(FEW), torch.randn(6, 5, 2, requires_grad=True)
    inside = [p for n, p in model.named_parameters() if n.startswith(("encoder", "posterior", "prior"))]
    one, other = model.prior().log_prob(z), by_hand(model, z)
    assert torch.allclose(one, other, rtol=1e-12)
    gradients = [torch.autograd.grad(log_p.sum(), [*inside, z]) for log_p in (one, other)]
    for mine, theirs in zip(*gradients, strict=True):
        assert (mine != 0).any()
        assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-10)


def test_one_pseudo_input_is_its_posterior_and_equal_ones_are_one(float64: None) -> None:
    model, z = model_with(partial(FEW, number=1)), torch.randn(7, 2)
    u = model.prior.pseudo_inputs.x.detach()
    alone = model.prior().log_prob(z)
    assert torch.allclose(alone, model.q_z_embedded(u, Batch(u)).log_prob(z), rtol=1e-12)
    many = model_with(FEW)
    many.load_state_dict({**model.state_dict(), "prior.pseudo_inputs.x": u.expand(4, -1)})
    assert torch.allclose(many.prior().log_prob(z), alone, rtol=1e-12)


@pytest.mark.parametrize("posterior", [DiagonalNormalPosterior, FullNormalPosterior])
def test_draws_are_of_all_pseudo_inputs_alike(posterior: type, float64: None) -> None:
    """By a family's own sampler too: the mean responsibility of a component is its weight; 20,000 draws, 4 errors."""
    model = model_with(FEW, posterior=posterior)
    with torch.no_grad():
        u = model.prior.pseudo_inputs.x.mul_(5)
        q = model.q_z_embedded(u, Batch(u))
        torch.manual_seed(0)
        z = model.prior().sample((100, 200)).flatten(0, 1)
        responsibility = q.log_prob(z[:, None]).softmax(-1)
    assert ((responsibility.mean(0) - 0.25).abs() < 4 * responsibility.std(0) / 20_000**0.5).all()
    assert (responsibility.std(0) > 0.05).all()  # they can be told apart
    p = model.prior()
    second = p.variance + p.mean**2
    assert ((z.mean(0) - p.mean).abs() < 4 * z.std(0) / 20_000**0.5).all()
    assert (((z**2).mean(0) - second).abs() < 4 * (z**2).std(0) / 20_000**0.5).all()


@pytest.mark.parametrize("posterior", KEYED, ids=lambda k: getattr(k, "func", k).__name__)
@torch.no_grad()
def test_draws_of_any_family_can_be_keyed(posterior: Callable[..., Posterior]) -> None:
    """A part of the draws for a part of the examples is a part of all of them."""
    p, index = model_with(FEW, posterior=posterior).prior(), torch.arange(6)
    with keyed_noise(index, seed=0):
        whole = p.sample((5, 6))
    with keyed_noise(index[2:], seed=0, first=3):
        part = p.sample((2, 4))
    assert torch.allclose(whole[3:, 2:], part, atol=1e-5)
    assert len(whole.flatten(2).flatten(0, 1).unique(dim=0)) > 4
    assert p.sample().shape == p.event_shape


def test_pieces_of_another_family_change_nothing(float64: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full normal posterior goes through its own log_prob; gradients of pieces are computed again."""
    model, z, found = model_with(FEW, posterior=FullNormalPosterior), torch.randn(6, 5, 2), []
    inside = [p for n, p in model.named_parameters() if n.startswith(("encoder", "posterior", "prior"))]
    for cells in (10**9, 40):
        monkeypatch.setattr(mixture, "_CELLS", cells)
        log_p = model.prior().log_prob(z)
        found.append([log_p, *torch.autograd.grad(log_p.sum(), inside)])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-10)


def test_codes_have_it_too(float64: None) -> None:
    """Two codes of 4: the 16 values have probability 1, and draws of 20,000 have theirs (chi-square)."""
    model = model_with(FEW, posterior=CodesPosterior)
    model.posterior.layer.weight.data *= 5
    codes = torch.eye(4)
    values = torch.stack([torch.stack([a, b]) for a in codes for b in codes])
    p = model.prior().log_prob(values).exp().detach()
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    assert p.std() > 0.01
    torch.manual_seed(0)
    z = model.prior().sample((20_000,))
    counts = np.bincount((z.argmax(-1) @ torch.tensor([4, 1])).numpy(), minlength=16)
    assert chisquare(counts, 20_000 * p.numpy(), sum_check=False).pvalue > 1e-4


def test_networks_at_every_pair_are_cut_in_pieces_and_said_to_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what q holds for a value, not by the value's own 2 numbers; the densities are those of all at once."""
    model, z, met = model_with(FEW, posterior=partial(IAFPosterior, hidden=[8])), torch.randn(7, 2), []
    whole = model.prior().log_prob(z)
    cells = model.posterior.density_cells
    assert cells > 20
    monkeypatch.setattr(mixture, "_CELLS", 3 * 4 * cells)
    log_prob = NormalizingFlow.log_prob
    monkeypatch.setattr(NormalizingFlow, "log_prob", lambda q, x: met.append(len(x)) or log_prob(q, x))
    assert torch.allclose(model.prior().log_prob(z), whole, atol=1e-5)
    assert met == [3, 3, 1]
    (said,) = _cares(model)
    assert said.startswith("VampPrior: it scores every z under q(z|u) of all 4 pseudo-inputs")
    assert "IAFPosterior runs its networks backwards" in said
    assert {"diagonal_normal", "full_normal"} <= set(said.partition("model/posterior=")[2].split("|"))
    assert not {"iaf", "nsf", "planar", "categorical"} & set(said.rpartition("=")[2].split("|"))
    assert _cares(model_with(FEW)) == []


# ---- where they come from ----------------------------------------------------------------------


@pytest.mark.parametrize("prior", [partial(VampPrior, number=7), partial(ExemplarPrior, number=7)])
def test_they_start_as_training_examples_and_are_saved(prior: partial, float64: None) -> None:
    """Behind the embedding; a model that has seen no data loads them, and answers alike."""
    spec = DataSpec("bytes", (3,), levels=17, mean=torch.tensor([3.0, 8.0, 1.0]))
    model = model_with(prior, spec=spec.replace(space="binary", levels=2, mean=torch.tensor([0.3, 0.8, 0.1])))
    held = getattr(model.prior, "pseudo_inputs", None) or model.prior.exemplars
    assert torch.equal(held.x.detach(), model.spec.embed(examples(SPEC, 7).x))
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    other = VAE(model.spec, 2, networks[0], DiagonalNormalPosterior, prior, networks[1], type(model.likelihood))
    assert not torch.equal(other.prior().log_prob(torch.zeros(2)), model.prior().log_prob(torch.zeros(2)))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.prior().log_prob(torch.zeros(2)), model.prior().log_prob(torch.zeros(2)))


def test_random_ones_stay_random_and_held_ones_hold() -> None:
    model = model_with(partial(VampPrior, number=2000, start="random", spread=0.5, learned=False))
    x = model.prior.pseudo_inputs.x
    assert not x.requires_grad
    assert list(model.prior.parameters()) == []
    assert abs(x.mean()) < 4 * 0.5 / 6000**0.5
    assert abs(x.std() - 0.5) < 0.02


@pytest.mark.parametrize(("space", "levels"), [("binary", 2), ("unit", 0), ("bytes", 17)])
def test_bounded_ones_are_values_in_front_of_the_embedding(space: str, levels: int, float64: None) -> None:
    """At 0, 1 and between, what the encoder sees is an embedded value; beyond them the end of the range."""
    spec = DataSpec(space, (3,), levels=levels, mean=torch.tensor([0.3, 0.8, 0.1]))
    held = BoundedVampPrior((2,), spec, number=2000, mean=0.4, spread=0.05).pseudo_inputs
    assert abs(held.x.mean() - 0.4) < 4 * 0.05 / 6000**0.5
    assert abs(held.x.std() - 0.05) < 0.002
    u = torch.tensor([-0.5, 0.0, 0.25, 1.0, 7.0])[:, None].expand(5, 3).clone().requires_grad_()
    values = {"binary": [0, 0, 0.25, 1, 1], "unit": [0, 0, 0.25, 1, 1], "bytes": [-0.5, -0.5, 3.75, 16.5, 16.5]}[space]
    seen = held.embedded(u)
    assert torch.allclose(seen, spec.embed(torch.tensor(values)[:, None].expand(5, 3)), atol=1e-12)
    (slope,) = torch.autograd.grad(seen.sum(), u)
    assert (slope[[0, 4]] == 0).all()
    assert (slope[2] > 0).all()


def test_a_prior_of_bounded_ones_is_that_of_the_posterior_there(float64: None) -> None:
    model, z = model_with(partial(BoundedVampPrior, number=4, mean=0.5, spread=0.3)), torch.randn(6, 5, 2)
    u = model.spec.embed(model.prior.pseudo_inputs.x.clamp(0, 1))
    q = model.q_z_embedded(u, Batch(u))
    assert torch.allclose(model.prior().log_prob(z), q.log_prob(z[..., None, :]).logsumexp(-1) - np.log(4), rtol=1e-12)
    with pytest.raises(ValueError, match="real values have no bounds; take vampprior"):
        BoundedVampPrior((2,), DataSpec("real", (3,)))


def test_missing_cells_are_the_mean() -> None:
    model = model_with(partial(VampPrior, number=3))
    batch = examples(SPEC, 3).replace(mask=torch.tensor([[True, False, True]] * 3))
    model.prior.prepare(lambda n=None: batch.replace(x=torch.where(batch.mask, batch.x, torch.nan)))
    assert (model.prior.pseudo_inputs.x[:, 1] == 0).all()
    assert torch.equal(model.prior.pseudo_inputs.x[:, 0], batch.x[:, 0])


def test_there_are_no_more_than_training_examples() -> None:
    assert len(VampPrior((2,), SPEC.replace(size=30)).pseudo_inputs) == 30
    assert len(ExemplarPrior((2,), SPEC.replace(size=30)).exemplars) == 30
    assert len(VampPrior((2,), SPEC.replace(size=30), start="random").pseudo_inputs) == 500
    model = model_with(FEW)
    prior = VampPrior((2,), SPEC, number=50)
    prior.bind(model)
    with pytest.raises(RequestError, match=r"50 are wanted, and there are 40 training examples; take 40 at most"):
        prior.prepare(lambda n=None: examples(SPEC, n))


def test_conditions_come_along() -> None:
    """Of a label too: a pair of an input and its class."""
    spec = SPEC.replace(classes=3)
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    prior = partial(VampPrior, number=4)
    likelihood = type(model_with(FEW).likelihood)
    model = ConditionalVAE(spec, 2, networks[0], DiagonalNormalPosterior, prior, networks[1], likelihood)
    batch = Batch(examples(SPEC, 4).x, label=torch.tensor([2, 0, 1, 2]))
    model.prior.prepare(lambda n=None: batch)
    assert torch.equal(model.prior.pseudo_inputs.condition.argmax(1), batch.label)
    z = torch.randn(5, 2)
    q = model.q_z(batch)
    assert torch.allclose(model.prior().log_prob(z), q.log_prob(z[:, None]).logsumexp(-1) - np.log(4), rtol=1e-5)
    assert model.sample(6).shape == (6, 3)


def test_sequences_have_their_lengths() -> None:
    spec = DataSpec("tokens", (5,), levels=9)
    prior = VampPrior((2,), spec, number=3, learned=False)
    prior.bind(model_with(FEW))
    x, lengths = torch.randint(0, 9, (3, 5)).float(), torch.tensor([2, 5, 3])
    prior.prepare(lambda n=None: Batch(x, lengths=lengths))
    held = prior.pseudo_inputs
    assert torch.equal(held.lengths, lengths)
    assert torch.equal(held.x[1], x[1])
    assert (held.x[0, 2:] == 0).all()
    for options in ({"learned": True}, {"start": "random", "learned": False}):
        with pytest.raises(ValueError, match="learned=false"):
            VampPrior((2,), spec, **options)


def test_a_copy_of_the_model_has_its_own() -> None:
    """A copied model's prior asks the copy."""
    model = model_with(FEW)
    other = copy.deepcopy(model)
    assert other.prior.model is other
    assert "prior.model.encoder.layers.0.weight" not in other.state_dict()
    before = model.prior().log_prob(torch.zeros(2))
    other.encoder.layers[0].weight.data.add_(1)
    assert torch.equal(model.prior().log_prob(torch.zeros(2)), before)
    assert not torch.equal(other.prior().log_prob(torch.zeros(2)), before)


def test_exemplars_are_kernels_at_posterior_means(float64: None) -> None:
    model, z = model_with(partial(ExemplarPrior, number=6)), torch.randn(9, 2)
    means = model.q_z(examples(SPEC, 6)).mean
    each = Independent(Normal(means, model.prior.log_scale.exp()), 1).log_prob(z[:, None])
    assert torch.allclose(model.prior().log_prob(z), each.logsumexp(-1) - np.log(6), rtol=1e-12)
    reached = torch.autograd.grad(model.prior().log_prob(z).sum(), list(model.encoder.parameters()))
    assert all((g != 0).any() for g in reached)


def test_encoding_does_not_ask_for_them() -> None:
    """Neither does decoding: a pass of the encoder over 500 pseudo-inputs is spared."""
    model, seen = model_with(FEW), []
    model.encoder.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    model.reconstruct(examples(SPEC, 3))
    assert seen == [3]
    model.draw(examples(SPEC, 3)).kl.sum()
    assert seen == [3, 3, 4]


# ---- what is refused ---------------------------------------------------------------------------


class _Relaxed(DiagonalNormalPosterior):
    draws_in_support = False


@pytest.mark.parametrize(
    ("prior", "posterior", "sentence"),
    [
        (FEW, PlanarPosterior, r"VampPrior scores z under the q\(z\|u\) of other inputs, and PlanarPosterior has no"),
        (FEW, _Relaxed, "_Relaxed has no density there"),
        (ExemplarPrior, PlanarPosterior, "at posterior means, and PlanarPosterior has no mean in closed form"),
    ],
)
def test_posteriors_that_cannot_be_asked(prior: partial, posterior: type, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as refusal:
        model_with(prior, posterior=posterior)
    assert "diagonal_normal|" in refusal.value.hint
    assert "planar" not in refusal.value.hint
    assert "\n" not in str(refusal.value)


def test_models_that_cannot_be_asked() -> None:
    with pytest.raises(RequestError, match="TwoLayers draws z in several steps"):
        VampPrior((2,), SPEC).bind(TwoLayers(SPEC))
