"""Trap 10: distributions on spheres against closed forms, scipy, quadrature and their own draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import ive
from torch import Tensor
from torch.distributions import kl_divergence
from torch.nn.functional import normalize

from lvm_experiments.distributions import HypersphericalUniform, PowerSpherical, VonMisesFisher
from lvm_experiments.distributions.tilted_sphere import TiltedSphere
from lvm_experiments.noise import keyed_noise

KINDS = [VonMisesFisher, PowerSpherical]
each = pytest.mark.parametrize("kind", KINDS)
in_dimensions = pytest.mark.parametrize("m", [2, 3, 5, 64])


def around(kind: type[TiltedSphere], m: int, concentration: float, seed: int = 0) -> TiltedSphere:
    generator = torch.Generator().manual_seed(seed)
    return kind(normalize(torch.randn(m, generator=generator), dim=-1), torch.tensor(concentration))


def log_tilt(kind: type[TiltedSphere], k: float, cosine: np.ndarray) -> np.ndarray:
    return k * (cosine - 1) if kind is VonMisesFisher else k * np.log(np.maximum((1 + cosine) / 2, 1e-300))


def angle_density(kind: type[TiltedSphere], m: int, k: float, theta: np.ndarray) -> np.ndarray:
    """Of the angle to the direction, up to a constant."""
    return np.exp(log_tilt(kind, k, np.cos(theta))) * np.sin(theta) ** (m - 2)


# ---- densities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1e-3, 1.0, 30.0, 300.0])
def test_in_three_dimensions_the_normaliser_is_elementary(k: float, float64: None) -> None:
    """C = k / (4 pi sinh k)."""
    q, z = around(VonMisesFisher, 3, k), normalize(torch.randn(50, 3), dim=-1)
    assert torch.allclose(q.log_prob(z), math.log(k / (4 * math.pi * math.sinh(k))) + k * (z @ q.loc), rtol=1e-11)


@pytest.mark.parametrize("m", [2, 3, 10, 50])
@pytest.mark.parametrize("k", [0.5, 20.0, 300.0])
def test_it_is_the_one_of_scipy(m: int, k: float, float64: None) -> None:
    q, z = around(VonMisesFisher, m, k), normalize(torch.randn(20, m), dim=-1)
    theirs = stats.vonmises_fisher(q.loc.numpy(), k)
    assert np.allclose(q.log_prob(z).numpy(), theirs.logpdf(z.numpy()), rtol=1e-9)
    assert q.entropy().item() == pytest.approx(theirs.entropy(), rel=1e-9)


@each
@pytest.mark.parametrize("k", [1e-3, 1.0, 60.0, 1e4])
def test_it_integrates_to_one_on_the_circle(kind: type[TiltedSphere], k: float, float64: None) -> None:
    angles = torch.arange(20_000) * (2 * math.pi / 20_000)
    z = torch.stack([angles.cos(), angles.sin()], -1)
    mass = around(kind, 2, k).log_prob(z).exp().mean() * 2 * math.pi
    assert mass.item() == pytest.approx(1, abs=1e-7)


@each
@pytest.mark.parametrize("k", [1e-3, 1.0, 60.0])
def test_it_integrates_to_one_on_the_sphere(kind: type[TiltedSphere], k: float, float64: None) -> None:
    """Around any direction: 100 nodes in the height by 200 in the longitude."""
    nodes, weights = map(torch.as_tensor, np.polynomial.legendre.leggauss(100))
    turns = torch.arange(200) * (2 * math.pi / 200)
    height, turn = nodes[:, None].expand(100, 200), turns.expand(100, 200)
    radius = (1 - height**2).sqrt()
    z = torch.stack([radius * turn.cos(), radius * turn.sin(), height], -1)
    mass = (weights[:, None] * around(kind, 3, k).log_prob(z).exp()).sum() * 2 * math.pi / 200
    assert mass.item() == pytest.approx(1, abs=1e-7)  # at the antipode, (1 + t)^k has a corner


@each
@pytest.mark.parametrize("m", [3, 128])
@pytest.mark.parametrize("k", [1e-3, 5.0, 1e4])
def test_the_normaliser_is_that_of_quadrature_over_the_angle(
    kind: type[TiltedSphere], m: int, k: float, float64: None
) -> None:
    """In many dimensions too, where the density goes to e^300."""
    theta = np.linspace(0, math.pi, 200_001)[1:-1]
    exponent = log_tilt(kind, k, np.cos(theta)) + (m - 2) * np.log(np.sin(theta))
    total = np.log(np.exp(exponent - exponent.max()).sum() * (theta[1] - theta[0])) + exponent.max()
    below = math.log(2) + (m - 1) / 2 * math.log(math.pi) - math.lgamma((m - 1) / 2)  # area one dimension lower
    q = around(kind, m, k)
    assert q.log_prob(q.loc).item() == pytest.approx(-(total + below), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("m", [2, 3, 128])
def test_the_uniform_one(m: int, float64: None) -> None:
    p = HypersphericalUniform(torch.zeros(m))
    area = 2 * math.pi ** (m / 2) / math.gamma(m / 2)
    z = p.sample((8000,))
    assert p.log_prob(z[:2]).tolist() == pytest.approx([-math.log(area)] * 2)
    assert ((z**2).mean(0) - 1 / m).abs().max() < 4.5 * (z**2).std(0).max() / 8000**0.5
    assert p.support.check(z).all()


# ---- divergence from the uniform one -------------------------------------------------------------


@each
@in_dimensions
def test_the_divergence_is_that_of_draws(kind: type[TiltedSphere], m: int, float64: None) -> None:
    """8,000 draws, 4 standard errors; the entropy is what is left."""
    for k in (0.5, 20.0):
        q, p = around(kind, m, k), HypersphericalUniform(torch.zeros(m))
        z = q.sample((8000,))
        terms = q.log_prob(z) - p.log_prob(z)
        kl = kl_divergence(q, p)
        assert (terms.mean() - kl).abs() < 4 * terms.std() / 8000**0.5
        assert (q.entropy() + kl - p.entropy()).abs() < 1e-9


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("m", [2, 3, 16, 128])
def test_the_divergence_is_finite_and_grows_from_zero(kind: type[TiltedSphere], m: int, dtype: torch.dtype) -> None:
    k = torch.logspace(-3, 4, 71, dtype=dtype, requires_grad=True)
    q = kind(torch.eye(m, dtype=dtype)[0].expand(71, m), k)
    kl = kl_divergence(q, HypersphericalUniform(torch.zeros(m, dtype=dtype)))
    assert kl.dtype == dtype
    assert torch.isfinite(kl).all()
    assert (kl.diff() > 0).all()
    assert 0 < kl[0] < 1e-5
    # For little concentration, half the variance of the statistic times k^2: of a coordinate, it is 1 / m.
    if kind is VonMisesFisher:
        assert kl[0].item() == pytest.approx(1e-6 / (2 * m), rel=1e-4)
    (slope,) = torch.autograd.grad(kl.sum(), k)
    assert (torch.isfinite(slope) & (slope > 0)).all()


# ---- draws -----------------------------------------------------------------------------------------


@each
@in_dimensions
def test_draws_have_its_angles_and_moments(kind: type[TiltedSphere], m: int, float64: None) -> None:
    """Kolmogorov and Smirnov's test against quadrature, mean and variance within 4.5 standard errors."""
    for k in (0.3, 8.0, 1e4):
        torch.manual_seed(0)
        q = around(kind, m, k)
        z = q.sample((8000,))
        # By the chord, exact for small angles too.
        theta = 2 * torch.asin(((z - q.loc).norm(dim=-1) / 2).clamp(max=1)).numpy()
        grid = np.linspace(0, min(math.pi, 1.2 * theta.max()), 40_001)
        density = angle_density(kind, m, k, grid)
        below = integrate.cumulative_simpson(density, x=grid, initial=0)
        assert stats.kstest(theta, lambda t: np.interp(t, grid, below / below[-1])).pvalue > 1e-3  # noqa: B023
        assert ((z.mean(0) - q.mean).abs() < 4.5 * z.std(0) / 8000**0.5).all()
        squares = (z - q.mean) ** 2
        assert ((squares.mean(0) - q.variance).abs() < 4.5 * squares.std(0) / 8000**0.5).all()


@pytest.mark.parametrize("m", [2, 3, 64])
def test_the_mean_has_the_length_of_bessel_s_ratio(m: int, float64: None) -> None:
    for k in (0.5, 8.0, 100.0):
        q = around(VonMisesFisher, m, k)
        assert q.mean.norm().item() == pytest.approx(ive(m / 2, k) / ive(m / 2 - 1, k), rel=1e-10)


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("m", [2, 3, 128])
def test_draws_have_length_one_at_any_concentration(kind: type[TiltedSphere], m: int, dtype: torch.dtype) -> None:
    k = torch.logspace(-3, 4, 8, dtype=dtype, requires_grad=True)
    loc = normalize(torch.randn(8, m, dtype=dtype), dim=-1).requires_grad_()
    q = kind(loc, k)
    z = q.rsample((200,))
    assert z.dtype == dtype
    assert ((z.norm(dim=-1) - 1).abs() < 8 * torch.finfo(dtype).eps).all()
    log_q = q.log_prob(z)
    assert torch.isfinite(log_q).all()
    exact = kind(loc.detach().double(), k.detach().double()).log_prob(z.detach().double())
    assert ((log_q - exact).abs() < 30 * torch.finfo(dtype).eps * (1e3 + exact.abs())).all()
    gradients = torch.autograd.grad((z * torch.randn_like(z)).sum() + log_q.sum(), [loc, k])
    assert all(torch.isfinite(g).all() for g in gradients)


@each
def test_what_is_drawn_afterwards_does_not_depend_on_rejections(kind: type[TiltedSphere]) -> None:
    """Noise belongs to examples: others need more proposals, and that shifts nothing."""
    loc, k = normalize(torch.randn(40, 3), dim=-1), torch.logspace(-3, 4, 40)
    with keyed_noise(torch.arange(40), seed=0):
        z, after = kind(loc, k).sample((30,)), torch.rand(30, 40)
    with keyed_noise(torch.arange(40)[7:9], seed=0, first=20):
        part, later = kind(loc[7:9], k[7:9]).sample((10,)), torch.rand(10, 2)
    assert torch.allclose(z[20:, 7:9], part, atol=1e-6)
    assert torch.equal(after[20:, 7:9], later)


# ---- gradients -------------------------------------------------------------------------------------


def test_in_three_dimensions_the_gradient_is_that_of_the_quantile(float64: None) -> None:
    """cosine = -1 + log(1 + u (e^(2k) - 1)) / k, whose derivative at fixed u is by autograd."""
    k = torch.logspace(-2, 1.3, 60, requires_grad=True)
    q = VonMisesFisher(torch.eye(3)[2].expand(60, 3), k)
    cosine = q.rsample()[:, 2]
    (found,) = torch.autograd.grad(cosine.sum(), k)
    u = torch.expm1(k * (cosine + 1)).detach() / torch.expm1(2 * k).detach()
    quantile = -1 + torch.log1p(u * torch.expm1(2 * k)) / k
    assert torch.allclose(quantile, cosine, rtol=1e-9)
    assert torch.allclose(found, torch.autograd.grad(quantile.sum(), k)[0], rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("m", [2, 3, 10, 128])
def test_the_gradient_is_the_difference_of_draws_with_the_same_noise(m: int, float64: None) -> None:
    """Of the power spherical distribution, whose draws are a smooth function of a uniform number."""
    k = torch.logspace(-1, 3.5, 50)
    loc = torch.eye(m)[0].expand(50, m)

    def heights(k: Tensor) -> Tensor:
        torch.manual_seed(3)
        return PowerSpherical(loc, k).rsample()[:, 0]

    apart = 1e-4 * k
    difference = (heights(k + apart) - heights(k - apart)) / (2 * apart)
    k.requires_grad_()
    (found,) = torch.autograd.grad(heights(k).sum(), k)
    assert torch.allclose(found, difference, rtol=2e-5, atol=1e-9)


@each
@pytest.mark.parametrize("m", [2, 5, 128])
def test_the_gradient_is_that_of_the_distribution_function(kind: type[TiltedSphere], m: int, float64: None) -> None:
    """d theta / d k = -(dF / dk) / f, F by scipy's quadrature at k + h and k - h."""
    k = torch.tensor([0.7, 9.0, 150.0], requires_grad=True)
    q = kind(torch.eye(m)[0].expand(3, m), k)
    cosine = q.rsample()[:, 0]
    (found,) = torch.autograd.grad(cosine.sum(), k)
    for i in range(3):
        at, theta, step = k[i].item(), math.acos(cosine[i].item()), 1e-4 * k[i].item()

        def below(k: float, theta: float = theta) -> float:
            def area(low: float, high: float) -> float:
                value = integrate.quad(lambda t: angle_density(kind, m, k, t), low, high, epsrel=1e-12, limit=200)
                return float(value[0])

            inside = area(0, theta)
            return inside / (inside + area(theta, math.pi))

        density = (below(at, theta + 1e-5) - below(at, theta - 1e-5)) / 2e-5
        slope = (below(at + step) - below(at - step)) / (2 * step)
        assert found[i].item() == pytest.approx(math.sin(theta) * slope / density, rel=2e-4)


@each
@pytest.mark.parametrize("m", [2, 3])
def test_the_gradient_of_an_expectation_is_unbiased(kind: type[TiltedSphere], m: int, float64: None) -> None:
    """Direction and concentration, against autograd of quadrature; 20,000 draws, 4 standard errors."""
    raw, k = torch.randn(m, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    one, other = torch.randn(m), torch.randn(m)

    def f(z: Tensor) -> Tensor:
        return torch.sin(2 * (z @ one)) + (z @ other) ** 2

    q = kind(normalize(raw, dim=-1), k)
    if m == 2:
        turn = torch.arange(2000) * (2 * math.pi / 2000)
        z, weights = torch.stack([turn.cos(), turn.sin()], -1), torch.tensor(2 * math.pi / 2000)
    else:
        nodes, w = map(torch.as_tensor, np.polynomial.legendre.leggauss(80))
        turn, height = torch.arange(160) * (2 * math.pi / 160), nodes[:, None].expand(80, 160)
        radius = (1 - height**2).sqrt()
        z = torch.stack([radius * turn.cos(), radius * turn.sin(), height], -1)
        weights = w[:, None] * 2 * math.pi / 160
    exact = torch.autograd.grad((weights * q.log_prob(z).exp() * f(z)).sum(), [raw, k])
    n = 20_000
    raws, ks = raw.detach().expand(n, m).clone().requires_grad_(), k.detach().expand(n).clone().requires_grad_()
    drawn = kind(normalize(raws, dim=-1), ks).rsample()
    found = torch.autograd.grad(f(drawn).sum(), [raws, ks])
    for sample, truth in zip(found, exact, strict=True):
        assert ((sample.mean(0) - truth).abs() < 4 * sample.std(0) / n**0.5 + 1e-9).all()
