"""TINY: three binary pixels and one latent dimension, of which everything is known by quadrature and enumeration."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec

IMAGES = torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=torch.float64)


@dataclass(frozen=True)
class Tiny:
    """A production model and its log p(x), found without the project's code."""

    model: VAE
    log_p: Tensor  # (8,), of IMAGES in their order

    @classmethod
    def make(cls, seed: int = 0, weight: float = 1.0) -> Tiny:
        """Call it where the default type is float64. The encoder gives a posterior wider than the exact one."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = VAE(
                DataSpec("binary", (3,), levels=2),
                1,
                partial(MLPEncoder, hidden=[4]),
                DiagonalNormalPosterior,
                StandardNormalPrior,
                partial(MLPDecoder, hidden=[5]),
                BernoulliLikelihood,
            )
            with torch.no_grad():
                for p in model.decoder.parameters():
                    p.copy_(weight * torch.randn_like(p))
        return cls(model, quadrature(model, 40_001))


def quadrature(model: VAE, nodes: int, observed: np.ndarray | None = None) -> Tensor:
    """log p(x_obs) of all 8 images by the trapezoid rule on [-12, 12]; the network is evaluated in numpy."""
    first, _, last = model.decoder.layers
    w1, b1, w2, b2 = (p.detach().numpy() for p in (first.weight, first.bias, last.weight, last.bias))
    z = np.linspace(-12, 12, nodes)
    logits = np.tanh(z[:, None] @ w1.T + b1) @ w2.T + b2
    log_prior = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    step = np.full(nodes, z[1] - z[0])
    step[[0, -1]] /= 2
    seen = np.ones(3, dtype=bool) if observed is None else observed
    found = []
    for x in IMAGES.numpy():
        log_lik = -np.logaddexp(0, np.where(x == 1, -logits, logits))[:, seen].sum(1)
        found.append(np.log((np.exp(log_lik + log_prior) * step).sum()))
    return torch.tensor(np.array(found))
