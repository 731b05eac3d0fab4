"""Mixtures: against scipy, one component, equal components, frequencies, pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import chisquare, multivariate_normal
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from lvm_experiments.distributions import DiagonalNormal, Mixture, mixture

pytestmark = pytest.mark.usefixtures("float64")


def normals(number: int, spread: float = 1.0) -> DiagonalNormal:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        return DiagonalNormal(spread * torch.randn(number, 2), 0.3 * torch.randn(number, 2))


def of(components: Distribution, log_weights: Tensor | None = None) -> Mixture:
    number = components.batch_shape[0]
    return Mixture(torch.zeros(number) if log_weights is None else log_weights, (2,), lambda: components)


def test_density_is_scipy_s() -> None:
    """To 1e-11, with weights, far out and near; and so are its mean and variance."""
    c, logits = normals(5), torch.tensor([0.0, 1.0, -2.0, 0.5, 3.0])
    z = torch.cat([torch.randn(50, 2), 30 * torch.randn(10, 2)]).reshape(6, 10, 2)
    w = logits.softmax(0).numpy()
    each = [multivariate_normal(m, np.diag(v)).logpdf(z.numpy()) for m, v in zip(c.loc, c.variance, strict=True)]
    truth = logsumexp(np.stack(each), axis=0, b=w[:, None, None])
    p = of(c, logits)
    assert p.log_prob(z).shape == (6, 10)
    assert np.allclose(p.log_prob(z).numpy(), truth, rtol=1e-11, atol=1e-11)
    mean = (w[:, None] * c.loc.numpy()).sum(0)
    second = (w[:, None] * (c.loc.numpy() ** 2 + c.variance.numpy())).sum(0)
    assert np.allclose(p.mean.numpy(), mean)
    assert np.allclose(p.variance.numpy(), second - mean**2)
    assert p.log_prob(z[0, 0]).shape == ()
    assert p.sample().shape == (2,)


def test_one_component_is_that_component_and_equal_ones_are_one() -> None:
    z, one = torch.randn(20, 2), normals(1)
    assert torch.allclose(of(one).log_prob(z), one.expand(torch.Size([20])).log_prob(z), rtol=1e-12)
    seven = DiagonalNormal(one.loc.expand(7, 2), one.log_scale.expand(7, 2))
    assert torch.allclose(of(seven).log_prob(z), of(one).log_prob(z), rtol=1e-12)
    assert torch.allclose(of(seven, torch.randn(7)).log_prob(z), of(one).log_prob(z), rtol=1e-12)


@pytest.mark.parametrize("logits", [[0.0] * 6, [0.0, 1.0, 2.0, -1.0, 0.0, 0.5]])
def test_components_are_drawn_with_their_weights(logits: list[float]) -> None:
    """Chi-square of the components nearest to 60,000 draws, p > 1e-4: neither always the first nor each in turn."""
    loc = 50.0 * torch.arange(6)[:, None].expand(6, 2)
    p = of(DiagonalNormal(loc, torch.zeros(6, 2)), torch.tensor(logits))
    torch.manual_seed(0)
    z = p.sample((300, 200))
    nearest = (z.mean(-1) / 50).round().long()
    counts = np.bincount(nearest.flatten().numpy(), minlength=6)
    weights = torch.tensor(logits).softmax(0).numpy()
    assert chisquare(counts, 60_000 * weights, sum_check=False).pvalue > 1e-4
    # and next to each other they know nothing of each other
    pairs = np.bincount((6 * nearest[:, ::2] + nearest[:, 1::2]).flatten().numpy(), minlength=36)
    assert chisquare(pairs, 30_000 * np.outer(weights, weights).ravel(), sum_check=False).pvalue > 1e-4


@pytest.mark.parametrize("family", ["lean", "torch"])
def test_pieces_change_neither_values_nor_gradients(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normal components by matrix products or one by one, at once or 3 values at a time."""
    c, z = normals(4), torch.randn(5, 2, 2)
    found = []
    for cells in (10**9, 12 if family == "lean" else 24):
        monkeypatch.setattr(mixture, "_CELLS", cells)
        leaves = [t.clone().requires_grad_() for t in (c.loc, c.log_scale, torch.arange(4.0), z)]
        loc, log_scale, logits, at = leaves
        lean = DiagonalNormal(loc, log_scale)
        p = of(lean if family == "lean" else Independent(Normal(loc, log_scale.exp()), 1), logits)
        log_p = p.log_prob(at)
        found.append([log_p.detach(), *torch.autograd.grad(log_p.sum(), leaves)])
    whole = of(c, torch.arange(4.0)).log_prob(z)
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-12)
    assert torch.allclose(found[0][0], whole, rtol=1e-12)


def test_both_ways_have_the_same_gradients() -> None:
    c, z = normals(4), torch.randn(5, 2, 2)
    found = []
    for lean in (True, False):
        loc, log_scale, at = (t.clone().requires_grad_() for t in (c.loc, c.log_scale, z))
        components = DiagonalNormal(loc, log_scale) if lean else Independent(Normal(loc, log_scale.exp()), 1)
        found.append(torch.autograd.grad(of(components).log_prob(at).sum(), (loc, log_scale, at)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-10)


def test_float32_loses_nothing_to_the_products() -> None:
    """Scales of 0.01 at distances of 10: the squares are 1e6, and their differences matter."""
    c = DiagonalNormal(10 + torch.randn(50, 8), torch.full((50, 8), -4.6))
    z = c.loc[:20] + 0.01 * torch.randn(20, 8)
    exact = of_eight(c).log_prob(z)
    single = of_eight(DiagonalNormal(c.loc.float(), c.log_scale.float())).log_prob(z.float())
    assert single.dtype == torch.float32
    assert (single.double() - exact).abs().max() < 1e-2  # what rounding z itself to float32 costs


def of_eight(components: DiagonalNormal) -> Mixture:
    return Mixture(torch.zeros(len(components.loc), dtype=components.loc.dtype), (8,), lambda: components)


def test_a_draw_does_not_take_the_gradient_from_the_density() -> None:
    loc = torch.randn(3, 2, requires_grad=True)
    made = []

    def make() -> DiagonalNormal:
        made.append(1)
        return DiagonalNormal(2 * loc, torch.zeros(3, 2))

    p = Mixture(torch.zeros(3), (2,), make)
    assert made == []
    z = p.sample((4,))
    assert not z.requires_grad
    assert p.log_prob(z).requires_grad
    p.log_prob(z)
    assert len(made) == 2


def test_a_family_that_nobody_can_draw_from_says_so() -> None:
    full = MultivariateNormal(torch.zeros(3, 2), torch.eye(2))
    with pytest.raises(NotImplementedError, match="told how to draw"):
        of(full).sample((2,))
