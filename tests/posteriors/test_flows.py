"""Flow posteriors as stacks: log q against autograd, mass 1, exact inverses, a start near the diagonal normal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor
from zuko.distributions import NormalizingFlow

from lvm_experiments.distributions import DiagonalNormal, StandardNormal
from lvm_experiments.posteriors import (
    HouseholderSylvesterPosterior,
    IAFPosterior,
    NSFPosterior,
    OrthogonalSylvesterPosterior,
    PlanarPosterior,
    RadialPosterior,
    TriangularSylvesterPosterior,
)
from lvm_experiments.posteriors.flow import FlowPosterior
from tests.support.changes_of_variables import log_det, mass_by_areas, mass_on_grid

FEATURES = 4
FLOWS: dict[str, Callable[..., FlowPosterior]] = {
    "planar": partial(PlanarPosterior, transforms=4),
    "radial": partial(RadialPosterior, transforms=4),
    "orthogonal": partial(OrthogonalSylvesterPosterior, transforms=3),
    "orthogonal, as many columns": lambda features, latent_dim: OrthogonalSylvesterPosterior(
        features, latent_dim, transforms=3, columns=latent_dim
    ),
    "householder": partial(HouseholderSylvesterPosterior, transforms=3, reflections=2),
    "triangular": partial(TriangularSylvesterPosterior, transforms=3),
    "iaf": partial(IAFPosterior, hidden=[8, 7], transforms=3),
    "nsf": partial(NSFPosterior, hidden=[8, 7], transforms=3, bins=5),
}
INVERTIBLE = ["iaf", "nsf", "radial"]


def bent(name: str, latent_dim: int, by: float = 0.3) -> FlowPosterior:
    """Far from the identity, where it starts."""
    posterior = FLOWS[name](FEATURES, latent_dim)
    with torch.no_grad():
        for parameter in posterior.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return posterior


def layered(q: NormalizingFlow) -> Callable[[Tensor], Tensor]:
    """From the base to z."""
    return q.transform.inv


@pytest.mark.parametrize("latent_dim", [1, 3])
@pytest.mark.parametrize("name", sorted(FLOWS))
@pytest.mark.usefixtures("float64")
def test_log_q_of_a_draw_is_the_base_s_less_autograd_s_log_determinant(name: str, latent_dim: int) -> None:
    q = bent(name, latent_dim)(torch.randn(3, FEATURES))
    torch.manual_seed(1)
    noise = q.base.rsample(torch.Size([2]))
    torch.manual_seed(1)
    z, log_q = q.rsample_and_log_prob(torch.Size([2]))
    assert torch.allclose(layered(q)(noise), z, rtol=0, atol=1e-12)
    assert torch.allclose(log_q, q.base.log_prob(noise) - log_det(layered(q), noise), rtol=0, atol=1e-6)
    torch.manual_seed(1)
    assert torch.equal(q.rsample(torch.Size([2])), z)


@pytest.mark.parametrize("name", sorted(FLOWS))
@pytest.mark.usefixtures("float64")
def test_each_layer_s_log_determinant_is_autograd_s(name: str) -> None:
    posterior, z = bent(name, 3), torch.randn(2, 3, 3)
    for layer in posterior.layers(torch.randn(3, FEATURES)):
        found = layer.call_and_ladj(z)[1]
        assert torch.allclose(found, log_det(layer, z), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(FLOWS))
@pytest.mark.usefixtures("float64")
@torch.no_grad()
def test_draws_have_mass_1(name: str) -> None:
    """Areas of the image of the base's plane, times q there."""
    q = bent(name, 2, by=0.2)(torch.randn(FEATURES))

    def spread(noise: Tensor) -> Tensor:
        return noise if isinstance(q.base, StandardNormal) else q.base.loc + q.base.stddev * noise

    def log_q(noise: Tensor) -> Tensor:
        return q.base.log_prob(spread(noise)) - layered(q).call_and_ladj(spread(noise))[1]

    assert abs(mass_by_areas(lambda noise: layered(q)(spread(noise)), log_q, cells=120) - 1) < 1e-3


@pytest.mark.parametrize("name", INVERTIBLE)
@pytest.mark.usefixtures("float64")
@torch.no_grad()
def test_the_density_integrates_to_1(name: str) -> None:
    q = bent(name, 2, by=0.1)(torch.randn(FEATURES))
    assert abs(mass_on_grid(q.log_prob, reach=12.0, cells=240) - 1) < 1e-3


@pytest.mark.parametrize("name", INVERTIBLE)
@pytest.mark.usefixtures("float64")
def test_the_inverse_is_exact(name: str) -> None:
    q = bent(name, 3)(torch.randn(5, FEATURES))
    noise = q.base.sample(torch.Size([100]))
    z, found = layered(q).call_and_ladj(noise)
    back, inverse = q.transform.call_and_ladj(z)
    assert torch.allclose(back, noise, rtol=0, atol=1e-8)
    assert torch.allclose(inverse, -found, rtol=0, atol=1e-7)
    assert torch.allclose(q.log_prob(z), q.base.log_prob(noise) - found, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", INVERTIBLE)
def test_the_density_of_far_points_is_finite_in_32_bits(name: str) -> None:
    q = bent(name, 3)(torch.randn(5, FEATURES))
    z = (10 * torch.randn(2000, 5, 3)).requires_grad_()
    log_q = q.log_prob(z)
    assert torch.isfinite(log_q).all()
    assert torch.isfinite(torch.autograd.grad(log_q.sum(), z)[0]).all()


@pytest.mark.parametrize("name", sorted(set(FLOWS) - set(INVERTIBLE)))
def test_a_density_elsewhere_is_refused(name: str) -> None:
    posterior = FLOWS[name](FEATURES, 2)
    assert not posterior.has_density_at
    with pytest.raises(NotImplementedError, match="no inverse"):
        posterior(torch.randn(3, FEATURES)).log_prob(torch.zeros(3, 2))


@pytest.mark.parametrize("name", sorted(FLOWS))
@pytest.mark.usefixtures("float64")
def test_it_starts_near_the_diagonal_normal(name: str) -> None:
    posterior, h = FLOWS[name](FEATURES, 3), torch.randn(50, FEATURES)
    q = posterior(h)
    z, log_q = q.rsample_and_log_prob(torch.Size([100]))
    diagonal = DiagonalNormal(*posterior.parameters_of(h).chunk(2, -1))
    torch.manual_seed(1)
    plain = diagonal.rsample(torch.Size([100]))
    torch.manual_seed(1)
    assert (q.rsample(torch.Size([100])) - plain).abs().mean() < 0.03
    assert abs((log_q - diagonal.log_prob(z)).mean()) < 0.02


@pytest.mark.usefixtures("float64")
def test_sylvester_s_bases_are_orthonormal_and_smooth() -> None:
    h = 5 * torch.randn(200, FEATURES)
    for name in ("orthogonal", "householder", "triangular"):
        for basis in bent(name, 6, by=0.5).bases(h):  # type: ignore[operator]
            gram = basis.mT @ basis
            assert torch.allclose(gram, torch.eye(gram.shape[-1]).expand_as(gram), atol=1e-10)
    posterior = bent("orthogonal", 3)  # two columns
    a, b = torch.randn(2, FEATURES)
    path = torch.stack([torch.lerp(a, b, t) for t in torch.linspace(0, 1, 2001)])
    steps = posterior.bases(path)[0].diff(dim=0).flatten(1).norm(dim=-1)  # type: ignore[operator]
    assert steps.max() < 0.1  # a column that changes sign moves by 2


def test_more_columns_than_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="3 orthonormal columns"):
        OrthogonalSylvesterPosterior(FEATURES, 2, columns=3)
