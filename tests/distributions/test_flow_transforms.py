"""Planar, radial and Sylvester transformations against autograd, areas and their inverse, also where they are steep."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.distributions import Transform

from lvm_experiments.distributions import PlanarTransform, RadialTransform, SylvesterTransform
from tests.support.changes_of_variables import log_det, mass_by_areas

Make = Callable[..., Transform]


def planar(batch: tuple[int, ...], length: int, size: float = 1.0) -> PlanarTransform:
    return PlanarTransform(size * torch.randn(*batch, length), 2 * torch.randn(*batch, length), torch.randn(batch))


def radial(batch: tuple[int, ...], length: int, size: float = 1.0) -> RadialTransform:
    return RadialTransform(torch.randn(*batch, length), torch.randn(batch), 3 * size * torch.randn(batch))


def sylvester(
    batch: tuple[int, ...], length: int, size: float = 1.0, *, columns: int | None = None
) -> SylvesterTransform:
    width = columns or length
    basis = torch.linalg.qr(torch.randn(*batch, length, width)).Q
    square = (*batch, width, width)
    return SylvesterTransform(basis, size * torch.randn(square), torch.randn(square), torch.randn(*batch, width))


MAKE: dict[str, Make] = {
    "planar": planar,
    "radial": radial,
    "sylvester": sylvester,
    "sylvester, fewer columns": partial(sylvester, columns=1),
}


@pytest.mark.parametrize("size", [0.1, 1.0, 5.0])
@pytest.mark.parametrize("name", sorted(MAKE))
@pytest.mark.usefixtures("float64")
def test_the_log_determinant_is_autograd_s_and_each_point_s_own(name: str, size: float) -> None:
    f = MAKE[name]((3,), 4, size)
    z = torch.randn(2, 3, 4)
    image, found = f.call_and_ladj(z)
    assert found.shape == (2, 3)
    assert torch.allclose(found, log_det(f, z), rtol=0, atol=1e-6)
    assert torch.equal(f(z), image)
    assert torch.equal(f.log_abs_det_jacobian(z, image), found)


@pytest.mark.parametrize("name", sorted(MAKE))
@pytest.mark.usefixtures("float64")
def test_areas_grow_by_the_determinant_and_nothing_folds(name: str) -> None:
    """The integral of q over its plane is 1, cells measured by their corners."""
    f = MAKE[name]((), 2, 0.7)

    def log_q(z: Tensor) -> Tensor:
        log_base = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        return log_base - f.call_and_ladj(z)[1]

    assert abs(mass_by_areas(f, log_q) - 1) < 1e-4


@pytest.mark.usefixtures("float64")
def test_planar_takes_the_squared_norm() -> None:
    """w'u > -1 for whatever u and w are given; dividing by |w| breaks it as soon as |w| is not 1."""
    u, w = 3 * torch.randn(2000, 5), torch.randn(2000, 5) * torch.logspace(-3, 1, 2000)[:, None]
    f = PlanarTransform(u, w, torch.zeros(2000))
    product = (f.w * f.u).sum(-1)
    assert (product > -1).all()
    assert product.min() < -0.99
    assert torch.allclose(product, f.product, atol=1e-9)
    # Only along w is u changed.
    moved = f.u - u
    assert torch.allclose(moved, (moved * w).sum(-1, keepdim=True) * w / (w**2).sum(-1, keepdim=True), atol=1e-9)


@pytest.mark.usefixtures("float64")
def test_radial_s_inverse_is_exact_and_beta_above_minus_alpha() -> None:
    f = RadialTransform(torch.randn(500, 3), 3 * torch.randn(500), 10 * torch.randn(500))
    assert (f.beta > -f.alpha).all()
    assert (f.beta / f.alpha).min() < -0.99
    z = 3 * torch.randn(20, 500, 3)
    image, found = f.call_and_ladj(z)
    # Near the centre a strong contraction cannot be undone better than rounding allows.
    assert ((f.inv(image) - z).abs() * found.exp().clamp_max(1)[..., None]).max() < 1e-9
    assert torch.equal(f.inv(f.centre), f.centre)
    assert torch.allclose(f.inv.log_abs_det_jacobian(image, z), -found)


@pytest.mark.usefixtures("float64")
def test_gradients_pass_radial_s_inverse() -> None:
    centre, a, b = torch.randn(3, requires_grad=True), torch.randn((), requires_grad=True), torch.randn(())
    b.requires_grad_()
    y = torch.randn(4, 3, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y, c, a, b: RadialTransform(c, a, b).inv(y), (y, centre, a, b))


@pytest.mark.parametrize("make", [planar, sylvester])
def test_what_has_no_inverse_says_so(make: Make) -> None:
    with pytest.raises(NotImplementedError, match="no inverse in closed form"):
        make((), 2).inv(torch.zeros(2))


@pytest.mark.parametrize("name", sorted(MAKE))
@pytest.mark.parametrize("size", [0.0, 30.0, 1000.0])
def test_values_and_gradients_are_finite_in_32_bits_whatever_is_given(name: str, size: float) -> None:
    z = torch.randn(5, 50, 3)
    with torch.random.fork_rng(devices=[]):
        f = MAKE[name]((50,), 3, size)
    image, found = f.call_and_ladj(z.requires_grad_())
    assert torch.isfinite(image).all()
    assert torch.isfinite(found).all()
    (gradient,) = torch.autograd.grad((image.sum() + found.sum()), z)
    assert torch.isfinite(gradient).all()


def test_nothing_given_is_the_identity() -> None:
    zeros, square = torch.zeros(2, 3), torch.zeros(2, 3, 3)
    z = torch.randn(4, 2, 3)
    ones = torch.ones(2)
    for f in (
        PlanarTransform(zeros, zeros, ones),
        PlanarTransform(zeros, torch.ones(2, 3), ones),
        RadialTransform(zeros, ones, torch.zeros(2)),
        SylvesterTransform(torch.eye(3), square, torch.ones(2, 3, 3), zeros),
    ):
        image, found = f.call_and_ladj(z)
        assert torch.allclose(image, z, atol=1e-6)
        assert (found.abs() < 1e-6).all()
