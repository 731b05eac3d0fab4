"""log q at given latents, frozen: gradients reach z and no parameter, and nothing is left frozen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.spec import DataSpec
from tests.support.parts import TwoLayers
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")


class _ReadsWhenAsked(DiagonalNormal):
    """A density that reads a weight while it is evaluated, as a flow's does."""

    weight: Tensor

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        return super().log_prob_per_dimension(value * self.weight.exp()) + self.weight


class _Lazy(DiagonalNormalPosterior):
    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__(features, latent_dim)
        self.weight = torch.nn.Parameter(torch.tensor(0.3))

    def forward(self, features: Tensor) -> DiagonalNormal:
        q = _ReadsWhenAsked(*self.parameters_of(features).chunk(2, -1))
        q.weight = self.weight
        return q


def lazy() -> LatentVariableModel:
    model = Tiny.make().model
    model.posterior = _Lazy(4, 1)
    return model


MODELS: dict[str, Callable[[], LatentVariableModel]] = {
    "vae": lambda: Tiny.make().model,
    "layers": lambda: TwoLayers(DataSpec("binary", (3,), levels=2)),
    "lazy": lazy,
}


def latents(model: LatentVariableModel) -> dict[str, Tensor]:
    return {n: z.detach().requires_grad_() for n, z in model.draw(IMAGES, 4).z.items()}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_frozen_gradients_reach_every_latent_and_no_parameter(name: str) -> None:
    model = MODELS[name]()
    z = latents(model)
    frozen = model.log_posterior(IMAGES, z, frozen=True)
    free = model.log_posterior(IMAGES, z)
    assert torch.allclose(frozen, free)
    parameters = list(model.parameters())
    to_z = torch.autograd.grad(frozen.sum(), list(z.values()), retain_graph=True)
    for mine, theirs in zip(to_z, torch.autograd.grad(free.sum(), list(z.values()), retain_graph=True), strict=True):
        assert torch.allclose(mine, theirs)
        assert (mine != 0).any()
    leaked = torch.autograd.grad(frozen.sum(), parameters, allow_unused=True)
    assert all(g is None for g in leaked)
    reached = torch.autograd.grad(free.sum(), parameters, allow_unused=True)
    assert any(g is not None and (g != 0).any() for g in reached)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_parameters_ask_for_gradients_again_and_only_those_that_did(name: str) -> None:
    model = MODELS[name]()
    names = [n for n, _ in model.named_parameters()]
    model.get_parameter(names[0]).requires_grad_(False)
    z = latents(model)
    model.log_posterior(IMAGES, z, frozen=True)
    assert [p.requires_grad for p in model.parameters()] == [False] + [True] * (len(names) - 1)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_parameters_ask_for_gradients_again_after_an_error(name: str) -> None:
    model = MODELS[name]()
    z = {n: torch.zeros(4, 5, 17) for n in latents(model)}
    with pytest.raises(RuntimeError):
        model.log_posterior(IMAGES, z, frozen=True)
    assert all(p.requires_grad for p in model.parameters())


def test_frozen_is_the_score_term_s_absence() -> None:
    """d log q(z; phi) / d phi is what a frozen log q leaves out: the rest is the path's gradient."""
    model = MODELS["vae"]()
    torch.manual_seed(1)
    z = model.draw(IMAGES, 1).z
    encoder = list(model.encoder.parameters()) + list(model.posterior.parameters())
    whole = torch.autograd.grad(model.log_posterior(IMAGES, z).sum(), encoder, retain_graph=True)
    path = torch.autograd.grad(model.log_posterior(IMAGES, z, frozen=True).sum(), encoder, retain_graph=True)
    still = {n: v.detach() for n, v in z.items()}
    score = torch.autograd.grad(model.log_posterior(IMAGES, still).sum(), encoder)
    for w, p, s in zip(whole, path, score, strict=True):
        assert torch.allclose(w, p + s, atol=1e-12)
