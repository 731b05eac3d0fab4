"""Small models that the tests of several objectives share, and the gradients of their parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, Draw, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import Objective, Progress
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior, CodesPrior

PIXELS = DataSpec("binary", (3,), levels=2)
CLASSES, CODES = 3, 2


def small_vae(
    posterior: Callable, prior: Callable, latent_dim: int = 2, kind: type[VAE] = VAE, spec: DataSpec = PIXELS
) -> VAE:
    """Three pixels, with a decoder that cares about z."""
    encoder, decoder = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
    model = kind(spec, latent_dim, encoder, posterior, prior, decoder, BernoulliLikelihood)
    with torch.no_grad():
        for p in model.decoder.parameters():
            p.copy_(torch.randn_like(p))
    return model


class Told(VAE):
    """A model whose draws are told to it, so that all there can be are gone through."""

    told: dict[str, Tensor] | None = None

    def draw(self, batch: Batch | Tensor, num_samples: int = 1, **options: Any) -> Draw:
        if self.told is not None:
            assert len(self.told["z"]) == num_samples
            options["given"] = self.told
        return super().draw(batch, num_samples, **options)


class CodesOfThree(CodesPosterior):
    def __init__(self, features: int, latent_dim: int) -> None:
        super().__init__(features, latent_dim, CLASSES)


def discrete() -> Told:
    """Two codes of three classes: nine values of z."""
    model = small_vae(CodesOfThree, CodesPrior, CODES, Told)
    with torch.no_grad():
        for p in [*model.encoder.parameters(), *model.posterior.parameters()]:
            p.copy_(torch.randn_like(p))
    assert isinstance(model, Told)
    return model


def states() -> Tensor:
    """All values of z, shape `(9, 1, 2, 3)`."""
    rows = torch.eye(CLASSES)
    return torch.stack([torch.stack(pair) for pair in product(rows, repeat=CODES)]).unsqueeze(1)


def log_tables(model: LatentVariableModel, x: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x, z) and log q(z|x) of all values of z, shape `(9, B)` each."""
    z = {"z": states().expand(-1, len(x), -1, -1)}
    return model.log_joint(x, z), model.log_posterior(x, z)


def mean_gradient(objective: Objective, model: Told, x: Tensor, num_samples: int) -> list[Tensor]:
    """The expected gradient of an objective at one x, by going through all tuples of draws."""
    (log_q,) = log_tables(model, x)[1].T.detach()
    total = [torch.zeros_like(p) for p in model.parameters()]
    for chosen in product(range(len(log_q)), repeat=num_samples):
        index = torch.tensor(chosen)
        model.told = {"z": states()[index]}
        for sum_, g in zip(total, gradients(objective(model, Batch(x), Progress()).loss["model"], model), strict=True):
            sum_ += log_q[index].sum().exp() * g
    model.told = None
    return total


def gradients(loss: Tensor, module: nn.Module) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(module.parameters()), allow_unused=True, retain_graph=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(module.parameters(), found, strict=True)]


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([t.flatten() for t in tensors])
