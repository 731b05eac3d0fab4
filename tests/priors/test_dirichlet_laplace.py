"""The normal in place of a Dirichlet against its mode and curvature by autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Dirichlet

from lvm_experiments.priors import DirichletLaplacePrior
from lvm_experiments.spec import DataSpec

SPEC = DataSpec("counts", (3,))


@pytest.mark.parametrize(("shares", "concentration"), [(2, 1.0), (5, 0.2), (50, 0.02), (7, 3.0)])
def test_mode_and_variances_are_those_of_the_density_in_softmax_coordinates(
    shares: int, concentration: float, float64: None
) -> None:
    p = Dirichlet(torch.full((shares,), concentration))

    def log_p(z: Tensor) -> Tensor:
        # A change of variables from L - 1 free shares: their Jacobian is the product of all L.
        return p.log_prob(z.softmax(-1)) + z.log_softmax(-1).sum(-1)

    q = DirichletLaplacePrior((shares,), SPEC, concentration)()
    mode = torch.zeros(shares)
    assert torch.equal(q.mean, mode)
    assert torch.autograd.functional.jacobian(log_p, mode).abs().max() < 1e-10
    # Along (1, ..., 1) softmax is constant: the inverse on what is left.
    covariance = torch.linalg.pinv(-torch.autograd.functional.hessian(log_p, mode), rtol=1e-8)
    assert torch.allclose(covariance.diagonal(), q.variance, rtol=1e-6)


def test_one_share_is_refused_and_nothing_is_learned() -> None:
    with pytest.raises(ValueError, match="latent_dim of at least 2"):
        DirichletLaplacePrior((1,), SPEC)
    assert list(DirichletLaplacePrior((2,), SPEC).state_dict()) == []
