"""TINY: a nonlinear model whose log p(x) is known by quadrature. Traps 2, 3, 5 and 12, and published defects."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.models import VAE
from lvm_experiments.objectives import IWAE, Progress
from lvm_experiments.priors import Prior
from tests.support.tiny import IMAGES, Tiny, quadrature

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture
def tiny(float64: None) -> Tiny:
    return Tiny.make()


def test_the_truth_is_the_truth(tiny: Tiny) -> None:
    """Twice the nodes change nothing, and the eight images have probability 1."""
    assert torch.allclose(quadrature(tiny.model, 80_001), tiny.log_p, rtol=0, atol=1e-10)
    assert tiny.log_p.exp().sum().item() == pytest.approx(1, abs=1e-10)
    assert tiny.log_p.std() > 0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_evidence_is_the_quadrature_s(tiny: Tiny, seed: int) -> None:
    """All 8 images, K = 20,000, within 4 of the stated errors; their probabilities sum to 1."""
    batch = Batch(IMAGES, index=torch.arange(8))
    evidence = tiny.model.evidence(batch, 20_000, chunk=5000, seed=seed)
    assert ((evidence.log_p - tiny.log_p).abs() < 4 * evidence.standard_error).all()
    assert evidence.standard_error.max() < 0.02
    p = evidence.log_p.exp()
    assert abs(p.sum() - 1) < 4 * (p * evidence.standard_error).square().sum().sqrt()


def test_the_bound_converges_to_the_quadrature_s_from_below(tiny: Tiny) -> None:
    """The mean of 2,000 bounds of K samples: below log p, and nearer with every K."""
    x = IMAGES.repeat(2000, 1)
    gaps = []
    for K in (1, 4, 16, 64):
        bound = IWAE(num_samples=K)(tiny.model, Batch(x), Progress()).terms["iw_elbo"]
        gap = tiny.log_p - bound.reshape(2000, 8)
        error = gap.mean(1).std() / 2000**0.5
        gaps.append((gap.mean().item(), error.item()))
        assert gap.mean() > -4 * error
    for (far, e), (near, f) in itertools.pairwise(gaps):
        assert far - near > 4 * (e**2 + f**2) ** 0.5
    assert gaps[-1][0] < 0.01


# ---- exactly K draws, whatever the chunk -------------------------------------------------------


def counted(model: VAE) -> list[int]:
    """The numbers of draws that reach the decoder from now on."""
    counts: list[int] = []
    model.decoder.register_forward_hook(lambda module, args, out: counts.append(len(args[0])))
    return counts


@pytest.mark.parametrize(
    ("K", "chunk"),
    [(1, 100), (10, 3), (10, 1), (150, 100), (1, None), (7, None), (5000, 7), (5000, 1000), (99, 100)],
)
def test_exactly_as_many_draws_as_asked_for(tiny: Tiny, K: int, chunk: int | None) -> None:
    """Published code draws a whole batch for K = 1, 100 for K = 150, or 12 for K = 10 and divides by 10."""
    counts = counted(tiny.model)
    batch = Batch(IMAGES, index=torch.arange(8))
    assert tiny.model.evidence(batch, K, chunk=chunk, seed=0).num_samples == K
    assert sum(counts) == K
    assert max(counts) <= (chunk or K)
    counts.clear()
    draws = list(tiny.model.draws(batch, K, chunk=chunk, seed=0))
    drawn = [d.z["z"] for d in draws]
    assert sum(counts) == 0  # nobody has asked for p(x|z)
    assert [len(d.log_lik) for d in draws] == [len(z) for z in drawn]
    assert sum(counts) == K
    assert len(torch.cat(drawn)[:, 0].unique()) == K  # and no draw twice


def test_chunks_change_no_number(tiny: Tiny) -> None:
    """K = 5000 in chunks of 5000, 1000, 7: equal to 1e-12, and close to the truth."""
    batch = Batch(IMAGES, index=torch.arange(8))
    whole = tiny.model.evidence(batch, 5000, seed=0)
    assert ((whole.log_p - tiny.log_p).abs() < 4 * whole.standard_error).all()
    for chunk in (5000, 1000, 7):
        other = tiny.model.evidence(batch, 5000, chunk=chunk, seed=0)
        assert torch.allclose(other.log_p, whole.log_p, rtol=1e-12)
        assert torch.allclose(other.standard_error, whole.standard_error, rtol=1e-9)
        assert torch.allclose(other.effective_samples, whole.effective_samples, rtol=1e-9)


def test_a_remainder_adds_no_bias(tiny: Tiny) -> None:
    """K = 10 in chunks of 3 over 20,000 repeats has the mean of K = 10 at once, not log(12/10) more."""
    x = IMAGES[:1].expand(20_000, -1)
    with torch.random.fork_rng(devices=[]):
        once = tiny.model.evidence(x, 10).log_p
    chunked = tiny.model.evidence(x, 10, chunk=3).log_p
    error = ((once.var() + chunked.var()) / 20_000).sqrt()
    assert error < 0.01
    assert abs(once.mean() - chunked.mean()) < 4 * error


def test_examples_are_estimated_alike_in_any_batch_and_order(tiny: Tiny) -> None:
    x, index = IMAGES.repeat(5, 1), torch.arange(40)
    whole = tiny.model.evidence(Batch(x, index=index), 50, seed=0).log_p
    order = torch.randperm(40)
    for size in (1, 7, 40):
        parts = [tiny.model.evidence(Batch(x[i], index=index[i]), 50, seed=0).log_p for i in order.split(size)]
        assert torch.allclose(torch.cat(parts), whole[order], rtol=1e-12)


def test_more_draws_begin_with_the_same_ones(tiny: Tiny) -> None:
    """So that K = 100 and K = 1000 of two reports are no independent estimates, but nested ones."""
    batch = Batch(IMAGES, index=torch.arange(8))
    few = next(iter(tiny.model.draws(batch, 5, seed=0))).z["z"]
    many = next(iter(tiny.model.draws(batch, 50, seed=0))).z["z"]
    assert torch.equal(many[:5], few)


# ---- the model's own prior ---------------------------------------------------------------------


class OffCentre(Prior):
    """N(1, 0.5^2): an estimator that writes N(0, I) into its formula goes wrong."""

    domain = "real"

    def __init__(self, event_shape: tuple[int, ...], spec: object) -> None:
        super().__init__()
        self.event_shape = event_shape

    def forward(self, condition: Tensor | None = None) -> Distribution:
        loc = torch.ones(self.event_shape)
        return DiagonalNormal(loc, torch.full(self.event_shape, np.log(0.5)))


def test_the_prior_is_asked_of_the_model(tiny: Tiny) -> None:
    """Evidence, samples, rate: all of a model with another prior."""
    model = tiny.model
    model.prior = OffCentre((1,), None)
    first, _, last = model.decoder.layers
    z = torch.linspace(-5, 7, 40_001)
    with torch.no_grad():
        logits = torch.tanh(z[:, None] @ first.weight.T + first.bias) @ last.weight.T + last.bias
    log_prior = -2 * (z - 1) ** 2 - 0.5 * np.log(2 * np.pi * 0.25)
    log_lik = torch.stack([(x * logits - torch.logaddexp(logits, torch.zeros(()))).sum(1) for x in IMAGES])
    truth = torch.trapezoid((log_lik + log_prior).exp(), z).log()
    assert (truth - tiny.log_p).abs().max() > 0.1
    evidence = model.evidence(IMAGES, 20_000, chunk=5000)
    assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error).all()
    _samples_are_from(model.sample, truth)


def _samples_are_from(sample: Callable[[int], Tensor], log_p: Tensor) -> None:
    """Chi-square of 50,000 draws over the 8 images, p > 1e-4."""
    x = sample(50_000)
    assert set(x.unique().tolist()) == {0.0, 1.0}
    counts = np.bincount((x @ torch.tensor([4.0, 2.0, 1.0])).long().numpy(), minlength=8)
    assert chisquare(counts, 50_000 * log_p.exp().numpy(), sum_check=False).pvalue > 1e-4


def test_samples_are_draws_of_x_with_the_model_s_probabilities(tiny: Tiny) -> None:
    _samples_are_from(tiny.model.sample, tiny.log_p)


def test_means_of_samples_are_probabilities(tiny: Tiny) -> None:
    means = tiny.model.sample(50_000, mean=True)
    assert ((means > 0) & (means < 1)).all()
    truth = (tiny.log_p.exp()[:, None] * IMAGES).sum(0)
    assert ((means.mean(0) - truth).abs() < 5 * means.std(0) / 50_000**0.5).all()


# ---- support and missing pixels ----------------------------------------------------------------


def test_grey_values_have_no_evidence(tiny: Tiny) -> None:
    for x in (torch.full((1, 3), 0.5), torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[0.0, 1.0, torch.nan]])):
        with pytest.raises(ValueError, match="binary values, and the data hold"):
            tiny.model.evidence(x, 5)
        with pytest.raises(ValueError, match="binary values, and the data hold"):
            tiny.model.log_evidence(x, 5)


@pytest.mark.parametrize("missing", [[0], [2], [0, 1], [0, 1, 2]])
def test_missing_pixels_are_summed_out(tiny: Tiny, missing: list[int]) -> None:
    """Quadrature's sum over the missing ones, 4 standard errors, K = 20,000."""
    seen = np.ones(3, dtype=bool)
    seen[missing] = False
    truth = quadrature(tiny.model, 40_001, seen)
    groups = {}
    for x, log_p in zip(IMAGES.numpy(), tiny.log_p, strict=True):
        groups.setdefault(tuple(x[seen]), []).append(log_p)
    summed = torch.stack([torch.stack(groups[tuple(x[seen])]).logsumexp(0) for x in IMAGES.numpy()])
    assert torch.allclose(summed, truth, rtol=0, atol=1e-10)
    mask = torch.tensor(seen).expand(8, -1)
    batch = Batch(torch.where(mask, IMAGES, torch.nan), mask=mask)
    evidence = tiny.model.evidence(batch, 20_000, chunk=5000)
    assert ((evidence.log_p - truth).abs() < 4 * evidence.standard_error + 1e-9).all()
