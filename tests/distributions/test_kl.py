"""Trap 2: every registered pair against Monte Carlo, and against nothing dropped."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Distribution, Independent, Laplace, Normal, kl_divergence
from torch.distributions.kl import _KL_REGISTRY

from lvm_experiments.distributions import (
    DiagonalNormal,
    HypersphericalUniform,
    LowRankNormal,
    OneHot,
    PowerSpherical,
    StandardLaplace,
    StandardNormal,
    VonMisesFisher,
    analytic_kl,
    draw_from,
)
from lvm_experiments.distributions.tilted_sphere import TiltedSphere

pytestmark = pytest.mark.usefixtures("float64")

# A few members of each class that a pair is registered for.
MEMBERS: dict[type[Distribution], list[Distribution]] = {}


@pytest.fixture(autouse=True)
def _members(float64: None) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        MEMBERS[DiagonalNormal] = [
            DiagonalNormal(torch.randn(3), 0.5 * torch.randn(3)),
            DiagonalNormal(torch.randn(3), 0.5 * torch.randn(3) - 0.5),
        ]
        MEMBERS[StandardNormal] = [StandardNormal(torch.zeros(3))]
        low_rank = (torch.randn(3), 0.5 * torch.randn(3), torch.randn(3, 2))
        MEMBERS[LowRankNormal] = [LowRankNormal(*low_rank)]
        turned = torch.nn.functional.normalize(torch.randn(4), dim=-1)
        MEMBERS[TiltedSphere] = [VonMisesFisher(turned, torch.tensor(3.0)), PowerSpherical(turned, torch.tensor(3.0))]
        MEMBERS[HypersphericalUniform] = [HypersphericalUniform(torch.zeros(4))]
        MEMBERS[OneHot] = [OneHot(torch.randn(2, 3), 2), OneHot(torch.randn(2, 3), 2)]
        MEMBERS[StandardLaplace] = [StandardLaplace(torch.zeros(3))]


PAIRS = sorted(
    ((q, p) for q, p in _KL_REGISTRY if q.__module__.startswith("lvm_experiments")),
    key=lambda pair: [kind.__name__ for kind in pair],
)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-".join(k.__name__ for k in pair))
def test_every_registered_pair_is_the_mean_of_its_log_ratio(pair: tuple[type, type]) -> None:
    """A million draws, 4 standard errors."""
    for q in MEMBERS[pair[0]]:
        for p in MEMBERS[pair[1]]:
            exact = analytic_kl(q, p)
            assert exact is not None
            z = q.sample((1_000_000,))
            ratio = q.log_prob(z) - p.log_prob(z)
            error = ratio.std() / 1000
            assert abs(ratio.mean() - exact) <= 4 * error + 1e-12
            assert exact >= 0


def test_the_pairs_that_models_use_are_registered() -> None:
    assert (DiagonalNormal, StandardNormal) in PAIRS
    assert (DiagonalNormal, DiagonalNormal) in PAIRS


def test_kl_is_torch_s_and_has_its_direction() -> None:
    a, b = MEMBERS[DiagonalNormal]
    ta, tb = (Independent(Normal(x.loc, x.stddev), 1) for x in (a, b))
    assert torch.allclose(kl_divergence(a, b), kl_divergence(ta, tb), rtol=1e-12)
    assert torch.allclose(kl_divergence(b, a), kl_divergence(tb, ta), rtol=1e-12)
    assert not torch.allclose(kl_divergence(a, b), kl_divergence(b, a), rtol=0.01)
    standard = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
    mine = kl_divergence(a, StandardNormal(torch.zeros(3)))
    assert torch.allclose(mine, kl_divergence(ta, standard), rtol=1e-12)


def test_kl_of_a_distribution_to_itself_is_zero() -> None:
    for q in MEMBERS[DiagonalNormal]:
        assert abs(kl_divergence(q, q)) < 1e-14
    unit = DiagonalNormal(torch.zeros(4, 3), torch.zeros(4, 3))
    assert (kl_divergence(unit, StandardNormal(torch.zeros(3))) == 0).all()


def test_kl_has_the_joint_batch_shape() -> None:
    q = DiagonalNormal(torch.zeros(2, 5, 3), torch.zeros(2, 5, 3))
    assert kl_divergence(q, StandardNormal(torch.zeros(3))).shape == (2, 5)
    p = DiagonalNormal(torch.zeros(5, 3), torch.zeros(5, 3))
    assert kl_divergence(q, p).shape == (2, 5)


def test_a_pair_that_nobody_registered_has_no_closed_form() -> None:
    laplace = Independent(Laplace(torch.zeros(3), torch.ones(3)), 1)
    assert analytic_kl(laplace, StandardNormal(torch.zeros(3))) is None


class _Flow(DiagonalNormal):
    def rsample_and_log_prob(self, shape: torch.Size) -> tuple[torch.Tensor, torch.Tensor]:
        z = self.rsample(shape)
        return z, self.log_prob(z)


def test_draws_bring_log_q_where_the_distribution_has_it() -> None:
    loc = torch.zeros(5, 3, requires_grad=True)
    q = DiagonalNormal(loc, torch.zeros(5, 3))
    z, log_q = draw_from(q, (4,))
    assert z.shape == (4, 5, 3)
    assert z.requires_grad
    assert log_q is None
    assert not draw_from(q, (4,), differentiable=False)[0].requires_grad
    z, log_q = draw_from(_Flow(loc, torch.zeros(5, 3)), (4,))
    assert log_q is not None
    assert torch.allclose(log_q, q.log_prob(z))
