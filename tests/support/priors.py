"""Priors with parameters that are not those they start with, in a model where they ask for one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior, Posterior
from lvm_experiments.priors import (
    BoundedVampPrior,
    DiagonalNormalPrior,
    ExemplarPrior,
    LaplacePrior,
    MAFPrior,
    MixtureOfNormalsPrior,
    NSFPrior,
    Prior,
    VampPrior,
)
from lvm_experiments.spec import DataSpec

SPEC = DataSpec("binary", (3,), levels=2)
UNCONDITIONAL: dict[str, Callable[..., Prior]] = {
    "diagonal_normal": DiagonalNormalPrior,
    "laplace": LaplacePrior,
    "mixture_of_normals": partial(MixtureOfNormalsPrior, components=4),
    "vampprior": partial(VampPrior, number=5, start="random", spread=0.7),
    "vampprior, weights learned": partial(VampPrior, number=5, learned_weights=True),
    "vampprior, bounded": partial(BoundedVampPrior, number=5, mean=0.5, spread=0.3),
    "exemplar": partial(ExemplarPrior, number=6),
    "maf": partial(MAFPrior, hidden=[8]),
    "nsf": partial(NSFPrior, hidden=[8], transforms=2, bins=4),
}


def model_with(
    prior: Callable[..., Prior],
    latent_dim: int = 2,
    posterior: Callable[..., Posterior] = DiagonalNormalPosterior,
    spec: DataSpec = SPEC,
    seed: int = 0,
) -> VAE:
    """A model whose every parameter is random; call it where the default type is the one it shall have."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[5])
        model = VAE(spec, latent_dim, networks[0], posterior, prior, networks[1], BernoulliLikelihood)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(0.25 * torch.randn_like(p))
            for p in model.decoder.parameters():
                p.copy_(torch.randn_like(p))
        model.prepare(lambda n=None: examples(spec, n))
    return model


def examples(spec: DataSpec, n: int | None = None) -> Batch:
    """Made-up training examples of binary data, 40 of them."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(0, 2, (40, *spec.shape), generator=generator).to(torch.get_default_dtype())[:n]
    condition = torch.randn(40, spec.condition, generator=generator)[:n] if spec.condition else None
    return Batch(x, condition=condition)


def grid(low: float, high: float, nodes: int) -> tuple[Tensor, float]:
    """The nodes of a square, shape `(nodes^2, 2)`, and the area of a cell; p is 0 at its border."""
    line = torch.linspace(low, high, nodes)
    return torch.cartesian_prod(line, line), float(line[1] - line[0]) ** 2
