"""log q with frozen parameters, for every posterior over the reals that has a density everywhere."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.members import buildable, members

MEMBERS = [k for k in members("lvm_experiments.posteriors", Posterior) if k.domain == "real" and k.has_density_at]


@pytest.mark.parametrize("kind", MEMBERS, ids=lambda k: k.__name__)
@pytest.mark.usefixtures("float64")
def test_gradients_reach_z_and_no_parameter(kind: type[Posterior]) -> None:
    spec = DataSpec("binary", (4,), levels=2)
    encoder, decoder = partial(MLPEncoder, hidden=[6]), partial(MLPDecoder, hidden=[5])
    model = VAE(spec, 3, encoder, buildable(kind, given=2), StandardNormalPrior, decoder, BernoulliLikelihood)
    with torch.no_grad():
        for p in model.posterior.parameters():
            p.add_(0.1 * torch.randn_like(p))
    x = torch.randint(0, 2, (5, 4)).double()
    z = {"z": model.draw(x, 2).z["z"].detach().requires_grad_()}
    frozen, free = model.log_posterior(x, z, frozen=True), model.log_posterior(x, z)
    assert torch.equal(frozen, free)
    (to_z,) = torch.autograd.grad(frozen.sum(), z["z"], retain_graph=True)
    assert torch.allclose(to_z, torch.autograd.grad(free.sum(), z["z"], retain_graph=True)[0])
    assert (to_z != 0).any(-1).all()
    parameters = list(model.parameters())
    assert all(g is None for g in torch.autograd.grad(frozen.sum(), parameters, allow_unused=True))
    encoder_too = [*model.encoder.parameters(), *model.posterior.parameters()]
    assert all((g != 0).any() for g in torch.autograd.grad(free.sum(), encoder_too))
