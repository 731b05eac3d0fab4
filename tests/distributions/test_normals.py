from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from torch.distributions import Independent, Normal

from lvm_experiments.distributions import DiagonalNormal, NormalObservation, StandardNormal

pytestmark = pytest.mark.usefixtures("float64")


def test_standard_normal_is_scipy_s() -> None:
    z = torch.randn(3, 4, 6)
    p = StandardNormal(torch.zeros(6))
    truth = multivariate_normal(np.zeros(6), np.eye(6))
    np.testing.assert_allclose(p.log_prob(z), truth.logpdf(z.numpy()), rtol=1e-12)
    np.testing.assert_allclose(p.log_prob_per_dimension(z), norm.logpdf(z.numpy()), rtol=1e-12)
    assert p.entropy().item() == pytest.approx(truth.entropy(), rel=1e-12)


def test_diagonal_normal_is_scipy_s() -> None:
    loc, log_scale, z = torch.randn(4, 6), torch.randn(4, 6), torch.randn(3, 4, 6)
    q = DiagonalNormal(loc, log_scale)
    for b in range(4):
        truth = multivariate_normal(loc[b].numpy(), np.diag(np.exp(2 * log_scale[b].numpy())))
        np.testing.assert_allclose(q.log_prob(z)[:, b], truth.logpdf(z[:, b].numpy()), rtol=1e-10)
        assert q.entropy()[b].item() == pytest.approx(truth.entropy(), rel=1e-10)
    each = norm(loc.numpy(), np.exp(log_scale.numpy())).logpdf(z.numpy())
    np.testing.assert_allclose(q.log_prob_per_dimension(z), each, rtol=1e-10)


def test_normal_observation_is_scipy_s_whatever_shape_the_scale_has() -> None:
    loc, x = torch.randn(2, 3, 1, 2, 2), torch.randn(3, 1, 2, 2)
    for log_scale in (torch.randn(()), torch.randn(1, 2, 2), torch.randn(2, 3, 1, 2, 2)):
        p = NormalObservation(loc, log_scale)
        scale = np.exp(log_scale.expand_as(loc).numpy())
        truth = norm.logpdf(x.numpy(), loc.numpy(), scale).sum((2, 3, 4))
        np.testing.assert_allclose(p.log_prob(x), truth, rtol=1e-10)
        np.testing.assert_allclose(p.variance, scale**2, rtol=1e-12)


def test_log_prob_has_torch_s_gradients() -> None:
    loc = torch.randn(4, 3, requires_grad=True)
    log_scale = torch.randn(4, 3, requires_grad=True)
    z = torch.randn(4, 3, requires_grad=True)
    theirs = Independent(Normal(loc, log_scale.exp()), 1).log_prob(z).sum()
    mine = DiagonalNormal(loc, log_scale).log_prob(z).sum()
    inputs = (loc, log_scale, z)
    for a, b in zip(torch.autograd.grad(mine, inputs), torch.autograd.grad(theirs, inputs), strict=True):
        assert torch.allclose(a, b, rtol=1e-10)


def test_reparameterised_draws_carry_the_exact_gradient() -> None:
    loc, log_scale = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    z = DiagonalNormal(loc, log_scale).rsample((5,))
    g_loc, g_scale = torch.autograd.grad(z.sum(), (loc, log_scale))
    assert torch.allclose(g_loc, torch.full((4, 3), 5.0))
    # dz / d log sigma = z - mu
    assert torch.allclose(g_scale, (z - loc).sum(0).detach(), rtol=1e-10)
    assert not DiagonalNormal(loc, log_scale).sample().requires_grad


@pytest.mark.parametrize("shape", [(7,), (2, 7)])
def test_expand_keeps_the_density(shape: tuple[int, ...]) -> None:
    z = torch.randn(*shape, 3)
    for p in (StandardNormal(torch.zeros(3)), DiagonalNormal(torch.ones(3), torch.zeros(3))):
        wide = p.expand(torch.Size(shape))
        assert wide.batch_shape == shape
        assert wide.sample().shape == (*shape, 3)
        assert torch.allclose(wide.log_prob(z), p.log_prob(z))
        assert wide.mean.shape == wide.variance.shape == (*shape, 3)


def test_moments_are_those_of_the_draws() -> None:
    """Within 5 standard errors of 100,000 draws."""
    n = 100_000
    q = DiagonalNormal(torch.tensor([1.0, -2.0]), torch.tensor([0.5, -1.0]))
    for p in (StandardNormal(torch.zeros(2)), q):
        draws = p.sample((n,))
        assert ((draws.mean(0) - p.mean).abs() < 5 * (p.variance / n).sqrt()).all()
        assert ((draws.var(0) / p.variance - 1).abs() < 5 * (2 / n) ** 0.5).all()
    assert torch.allclose(q.stddev, torch.tensor([0.5, -1.0]).exp())
