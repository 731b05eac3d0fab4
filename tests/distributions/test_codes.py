"""Codes: masses by enumeration, samplers by chi-square, and what a straight-through gradient is."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from lvm_experiments.distributions import UniformCodes, VectorQuantised
from lvm_experiments.distributions.codes import Codes, nearest_code
from lvm_experiments.noise import keyed_noise
from lvm_experiments.priors import AutoregressiveCodesPrior, UniformCodesPrior
from lvm_experiments.priors.codes import _CodesPrior
from lvm_experiments.spec import DataSpec
from tests.support.given_noise import given_uniform

PRIORS = [UniformCodesPrior, AutoregressiveCodesPrior]
CODES, LENGTH, WIDTH = 4, 3, 2
SEQUENCES = torch.tensor(list(product(range(CODES), repeat=LENGTH)))
pytestmark = pytest.mark.usefixtures("float64")


def build(kind: type[_CodesPrior], **given: object) -> _CodesPrior:
    """A prior whose masses differ, and none of which is near 0."""
    torch.manual_seed(1)
    prior = kind((LENGTH, WIDTH), DataSpec("binary", (4,)), **given)
    prior.bind(SimpleNamespace(posterior=SimpleNamespace(codebook=torch.randn(CODES, WIDTH))))
    with torch.no_grad():
        for p in prior.parameters():
            p.copy_(0.4 * torch.randn_like(p))
    return prior


def vectors(p: Codes, sequences: Tensor) -> Tensor:
    return p.codebook[sequences]


@pytest.mark.parametrize("kind", PRIORS)
@torch.no_grad()
def test_masses_of_all_sequences_sum_to_one_and_draws_have_them(kind: type[_CodesPrior]) -> None:
    """64 sequences; 20,000 draws, by chi-square."""
    p = build(kind)()
    mass = p.log_prob(vectors(p, SEQUENCES)).exp()
    assert mass.sum().item() == pytest.approx(1, abs=1e-12)
    assert (mass.std() > 0.005) == (kind is AutoregressiveCodesPrior)
    z = p.sample((100, 200))
    assert z.shape == (100, 200, LENGTH, WIDTH)
    numbers = nearest_code(z, p.codebook).flatten(0, 1) @ torch.tensor([CODES**2, CODES, 1])
    counts, expected = np.bincount(numbers.numpy(), minlength=len(mass)), 20_000 * mass.numpy()
    often = expected > 5
    rest = [counts[~often].sum()], [expected[~often].sum()]
    found, wanted = np.append(counts[often], rest[0]), np.append(expected[often], rest[1])
    keep = wanted > 0
    assert chisquare(found[keep], wanted[keep], sum_check=False).pvalue > 1e-3


@torch.no_grad()
def test_a_code_depends_on_those_before_it_only() -> None:
    p = build(AutoregressiveCodesPrior)()
    z = vectors(p, SEQUENCES)
    each = p.log_prob_per_dimension(z)
    assert torch.allclose(each.sum(-1), p.log_prob(z))
    given = each.reshape(CODES, CODES, CODES, LENGTH)
    assert torch.allclose(given[..., 0], given[:, :1, :1, 0].expand(CODES, CODES, CODES))
    assert torch.allclose(given[..., 1], given[:, :, :1, 1].expand(CODES, CODES, CODES))
    # Of every code: given those before, the masses of all it can be sum to 1, and the ones before matter.
    assert torch.allclose(given[..., 2].exp().sum(2), torch.ones(CODES, CODES))
    assert torch.allclose(given[:, :, 0, 1].exp().sum(1), torch.ones(CODES))
    assert given[:, :, :, 2].std(1).min() > 1e-3
    assert given[:, :, :, 2].std(0).min() > 1e-3


@torch.no_grad()
def test_uniform_moments_are_those_of_the_codebook() -> None:
    p = build(UniformCodesPrior)()
    z = vectors(p, SEQUENCES)
    assert torch.allclose(p.mean, z.mean(0))
    assert torch.allclose(p.variance, z.var(0, correction=0))


@pytest.mark.parametrize("kind", PRIORS)
@torch.no_grad()
def test_draws_can_be_keyed(kind: type[_CodesPrior]) -> None:
    p = build(kind)()
    with keyed_noise(torch.arange(6), seed=0):
        whole = p.sample((5, 6))
    with keyed_noise(torch.arange(2, 6), seed=0, first=3):
        part = p.sample((2, 4))
    assert torch.equal(whole[3:, 2:], part)
    assert len(whole.flatten(0, 1).unique(dim=0)) > 10


@pytest.mark.parametrize("detach", [True, False])
def test_its_loss_reaches_the_codes_it_reads_unless_detached(*, detach: bool) -> None:
    prior = build(AutoregressiveCodesPrior, detach=detach)
    z = vectors(prior(), SEQUENCES).requires_grad_()
    gradients = torch.autograd.grad(prior().log_prob(z).sum(), [z, prior.first], allow_unused=True)
    assert (gradients[0] is None) == detach
    assert gradients[1] is not None
    if not detach:
        assert (gradients[0][:, :-1] != 0).any()
        assert (gradients[0][:, -1] == 0).all()


def test_the_nearest_code_is_the_nearest() -> None:
    codebook, h = torch.randn(7, 3), torch.randn(5, 4, 3)
    by_hand = np.linalg.norm(h.numpy()[..., None, :] - codebook.numpy(), axis=-1).argmin(-1)
    assert nearest_code(h, codebook).tolist() == by_hand.tolist()
    # Of codes that differ in the last digit, and far from 0, each is its own.
    close = (100 + torch.arange(5.0)[:, None] * 1e-5).to(torch.float32).expand(5, 2)
    assert nearest_code(close, close).tolist() == list(range(5))


def test_a_straight_through_draw_is_a_code_with_the_gradient_of_what_was_encoded() -> None:
    h, codebook = torch.randn(5, 3, 2, requires_grad=True), torch.randn(4, 2, requires_grad=True)
    q = VectorQuantised(h, codebook)
    z, weight = q.rsample((6,)), torch.randn(6, 5, 3, 2)
    assert torch.equal(z.detach(), codebook.detach()[nearest_code(h, codebook)].expand(6, -1, -1, -1))
    to_h, to_codes = torch.autograd.grad((z * weight).sum(), [h, codebook], allow_unused=True)
    assert torch.allclose(to_h, weight.sum(0))
    assert to_codes is None
    assert torch.equal(q.sample((6,)), z.detach())
    assert (q.log_prob(z) == 0).all()
    other = z.detach().clone()
    other[0, 1, 2] = codebook.detach()[(q.indices[1, 2] + 1) % 4]
    assert q.log_prob(other)[0, 1] == -torch.inf
    assert (q.entropy() == 0).all()
    # What it says does not move with a codebook that does.
    with torch.no_grad():
        codebook.add_(10)
    assert torch.equal(q.sample((6,)), z.detach())


def test_every_code_is_drawn_alike_up_to_the_last() -> None:
    p = UniformCodes(torch.arange(3, dtype=torch.float32)[:, None], 1)
    for u, code in [(0.0, 0), (0.34, 1), (1 - 2.0**-24, 2)]:
        with given_uniform(torch.tensor(u, dtype=torch.float32)):
            assert p.sample_indices((2,)).tolist() == [[code], [code]]
