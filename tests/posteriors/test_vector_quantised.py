"""Codebooks: running means by hand, losses by hand, the same on several processes."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import M2, VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import ELBO, IWAE, DReG, Progress
from lvm_experiments.posteriors import GradientVectorQuantisedPosterior, Posterior, VectorQuantisedPosterior
from lvm_experiments.priors import AutoregressiveCodesPrior, StandardNormalPrior, UniformCodesPrior, VampPrior
from lvm_experiments.spec import DataSpec
from tests.support.ranks import on_ranks

KINDS = [VectorQuantisedPosterior, GradientVectorQuantisedPosterior]
each = pytest.mark.parametrize("kind", KINDS)
SPEC = DataSpec("binary", (6,), levels=2)


def nearest(h: Tensor, codebook: Tensor) -> Tensor:
    return (h[..., None, :] - codebook).square().sum(-1).argmin(-1)


def build(kind: type[Posterior], prior: type = AutoregressiveCodesPrior, codes: int = 5) -> VAE:
    torch.manual_seed(0)
    networks = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    posterior = partial(kind, codes=codes, code_dim=4)
    return VAE(SPEC, 3, networks[0], posterior, prior, networks[1], BernoulliLikelihood)


def binary(n: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (n, 6), generator=generator).to(torch.get_default_dtype())


# ---- running means ---------------------------------------------------------------------------------


def test_codes_are_running_means(float64: None) -> None:
    """Counts and sums decay; a code moves to their ratio before the next batch, and one without vectors stays."""
    part = VectorQuantisedPosterior(6, 3, codes=5, code_dim=2, decay=0.8)
    with torch.no_grad():
        part.codebook[4] = 100.0  # which no vector is near
        part.sums[4] = 100.0
    counts, sums, codebook = torch.ones(5), part.codebook.clone(), part.codebook.clone()
    for _ in range(4):
        features = torch.randn(10, 6)
        q = part(features)
        assert torch.allclose(part.codebook, codebook, rtol=1e-13)
        h = part.encoded(features).reshape(10, 3, 2).detach()
        index = nearest(h, codebook)
        assert torch.equal(q.indices, index)
        assert torch.equal(q.representative, part.codebook[index])
        for k in range(5):
            mine = h[index == k]
            counts[k] = 0.8 * counts[k] + 0.2 * len(mine)
            sums[k] = 0.8 * sums[k] + 0.2 * mine.sum(0)
        codebook = sums / counts[:, None]
    assert torch.allclose(part.counts, counts)
    assert torch.allclose(part.sums, sums)
    assert torch.allclose(part.codebook[4], torch.full((2,), 100.0))
    assert counts[:4].max() > 1


def test_a_code_that_nobody_wants_stays_where_it_is_for_ever() -> None:
    """In float32 its count goes to 0, and its sum with it."""
    part = VectorQuantisedPosterior(6, 3, codes=2, code_dim=2, decay=0.1)
    with torch.no_grad():
        part.codebook[1] = part.sums[1] = 100.0
    for _ in range(60):
        part(torch.randn(10, 6))
    assert part.counts[1] == 0
    assert torch.allclose(part.codebook[1], torch.full((2,), 100.0))
    assert torch.isfinite(part.codebook).all()


def test_a_code_that_nobody_wants_starts_again_at_a_vector_of_the_batch(float64: None) -> None:
    """Before the next batch, with the count it fell below; the others are as ever."""
    plain, part = (VectorQuantisedPosterior(6, 3, codes=5, code_dim=2, decay=0.8, revive=r) for r in (0.0, 0.9))
    part.load_state_dict(plain.state_dict())
    features = torch.randn(10, 6)
    for each in (plain, part):
        with torch.no_grad():
            each.codebook[4] = each.sums[4] = 100.0  # which no vector is near
        each(features)
    dead = plain.counts < 0.9
    assert dead[4]
    assert not dead.all()
    assert torch.equal(part.counts, torch.where(dead, 0.9, plain.counts))
    assert torch.equal(part.sums[~dead], plain.sums[~dead])
    h = part.encoded(features).reshape(-1, 2).detach()
    part(features)
    apart = (h - part.codebook[dead][:, None]).norm(dim=-1).min(-1).values
    assert apart.max() < 1e-12
    # No other draw of noise where none of them is asked to.
    torch.manual_seed(3)
    plain(features)
    after = torch.rand(())
    torch.manual_seed(3)
    assert torch.rand(()) == after


def test_codes_that_start_again_come_into_use() -> None:
    """All begin far from every vector, where only the nearest ever moves."""
    used = []
    for revive in (0.0, 1.0):
        torch.manual_seed(0)
        part = VectorQuantisedPosterior(6, 3, codes=16, code_dim=2, revive=revive)
        part.start(100 + torch.rand(16, 2))
        features = torch.randn(200, 6)
        for _ in range(30):
            q = part(features)
        used.append(len(q.indices.unique()))
    assert used[0] == 1
    assert used[1] > 12


def test_only_training_moves_them() -> None:
    part, features = VectorQuantisedPosterior(6, 3), torch.randn(10, 6)
    before = {name: b.clone() for name, b in part.named_buffers()}
    with torch.no_grad():
        part(features)
    part.eval()(features)
    assert all(torch.equal(b, before[name]) for name, b in part.named_buffers())
    part.train()(features)
    assert not torch.equal(part.counts, before["counts"])


def _counts_of(features: Tensor, revive: float = 0.0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    part = VectorQuantisedPosterior(6, 3, codes=5, code_dim=2, revive=revive)
    several = torch.distributed.is_initialized()
    rank, world = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if several else (0, 1)
    torch.manual_seed(rank)
    for batch in features:
        part(batch.chunk(world)[rank])
    return part.counts, part.sums


def test_processes_share_what_they_count() -> None:
    features = torch.randn(3, 8, 6)
    first, second = on_ranks(2, _counts_of, features)
    for one, mine, other in zip(_counts_of(features), first, second, strict=True):
        assert torch.equal(mine, other)
        assert torch.allclose(one, mine, rtol=1e-5, atol=1e-6)


def test_processes_start_codes_again_at_the_same_vectors() -> None:
    """Though the noise of each is its own."""
    features = torch.randn(3, 8, 6)
    first, second = on_ranks(2, _counts_of, features, 3.0)
    for mine, other in zip(first, second, strict=True):
        assert torch.equal(mine, other)
    assert (first[0] >= 3.0).all()


@each
def test_they_start_at_encoded_training_examples(kind: type[Posterior], float64: None) -> None:
    model, x = build(kind), binary(40)
    model.prepare(lambda n=None: Batch(x[:n]))
    part = model.posterior
    h = part.encoded(model.encoder(model.spec.embed(x), Batch(x))).reshape(-1, 4)
    apart = (h - part.codebook[:, None]).norm(dim=-1).min(-1).values
    assert apart.max() < 0.02 * h.std()
    assert len(nearest(h, part.codebook).unique()) == 5
    before = part.codebook.clone()
    model.prepare(lambda n=None: Batch(x[:n]))
    assert torch.equal(part.codebook, before)


# ---- losses ----------------------------------------------------------------------------------------


@each
def test_losses_are_squared_distances_and_pull_at_one_side(kind: type[Posterior], float64: None) -> None:
    part, features = kind(6, 3, codes=5, code_dim=2, commitment=0.7), torch.randn(10, 6)
    h = part.encoded(features).reshape(10, 3, 2)
    codebook = part.codebook.detach().clone()
    index = nearest(h, codebook)
    squares = (h - codebook[index]).square().sum((1, 2)).detach()
    q = part(features)
    assert torch.allclose(q.losses["commitment"], 0.7 * squares)
    (to_h,) = torch.autograd.grad(q.losses["commitment"].sum(), part.encoded.bias)
    by_hand = 2 * 0.7 * (h - codebook[index]).sum(0).flatten()
    assert torch.allclose(to_h, by_hand)
    if kind is VectorQuantisedPosterior:
        assert set(q.losses) == {"commitment"}
        return
    assert torch.allclose(q.losses["codebook"], squares)
    found = torch.autograd.grad(q.losses["codebook"].sum(), [part.codebook, part.encoded.bias], allow_unused=True)
    assert found[1] is None
    by_hand = torch.stack([2 * (codebook[k] - h[index == k]).sum(0) for k in range(5)])
    assert torch.allclose(found[0], by_hand)
    (nothing,) = torch.autograd.grad(part(features).losses["commitment"].sum(), part.codebook, allow_unused=True)
    assert nothing is None


@each
def test_the_objective_adds_them_and_every_parameter_learns(kind: type[Posterior], float64: None) -> None:
    model, batch = build(kind), Batch(binary(7))
    draw = copy.deepcopy(model).draw(batch)  # a draw in training counts, and codes move before the next
    losses = ELBO()(model, batch, Progress())
    own = sum(loss.mean() for loss in draw.losses.values())
    assert torch.allclose(losses.loss["model"], -(draw.log_lik + draw.log_prior).mean() + own)
    assert set(losses.terms) >= set(draw.losses)
    losses.loss["model"].backward()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        assert p.grad.abs().sum() > 0, name


def test_a_batch_is_scored_by_the_codes_it_was_quantised_with(float64: None) -> None:
    """The second batch's codes have moved, and its prior has to know it."""
    model = build(VectorQuantisedPosterior)
    for seed in range(3):
        draw = model.draw(Batch(binary(50, seed)))
        q, p = draw.steps["z"].q, draw.steps["z"].p
        logits, _ = p.network(torch.cat([p.first.expand(50, 1, -1), q.representative[:, :-1]], 1), None)
        each = logits.log_softmax(-1).gather(-1, q.indices[..., None])[..., 0]
        assert torch.allclose(draw.log_prior[0], each.sum(-1))
        assert (draw.log_q == 0).all()


@each
def test_it_learns(kind: type[Posterior]) -> None:
    """Patterns of two halves: 4 combinations are what there is to tell apart."""
    torch.manual_seed(0)
    model = build(kind, codes=16)
    half = torch.randint(0, 2, (200, 2)).float()
    x = half.repeat_interleave(3, 1)
    model.prepare(lambda n=None: Batch(x[:n]))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(120):
        loss = ELBO()(model, Batch(x), Progress(step)).loss["model"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    evidence = model.evidence(Batch(x), 1).log_p.mean().item()
    assert -2 < evidence < -0.9 * 2 * 0.6931  # log 4 is the entropy of the data


# ---- what goes with what ---------------------------------------------------------------------------


@each
def test_what_it_does_not_go_with(kind: type[Posterior]) -> None:
    with pytest.raises(RequestError, match=r"model/prior=autoregressive_codes\|uniform_codes"):
        build(kind, StandardNormalPrior)
    with pytest.raises(RequestError, match=f"VampPrior .*{kind.__name__} has no density there"):
        build(kind, VampPrior)
    model = build(kind, UniformCodesPrior)
    for objective in (ELBO(), IWAE(num_samples=3)):
        objective.check(model)
    with pytest.raises(RequestError, match="DReG needs a posterior whose density is known at any point"):
        DReG(num_samples=3).check(model)


def test_a_label_in_front_of_it(float64: None) -> None:
    """Codes are chosen for every draw of the label; losses stay those of examples."""
    networks = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
    posterior = partial(VectorQuantisedPosterior, codes=5, code_dim=4)
    spec = SPEC.replace(classes=3)
    model = M2(spec, 3, networks[0], posterior, UniformCodesPrior, networks[1], BernoulliLikelihood)
    batch = Batch(binary(7), label=torch.tensor([0, 1, 2, -1, -1, 0, 1]))
    model.prepare(lambda n=None: batch)
    draw = model.draw(batch, 2)
    assert draw.z["z"].shape == (2, 7, 3, 4)
    assert draw.losses["commitment"].shape == (7,)
    assert torch.isfinite(draw.log_weight).all()
