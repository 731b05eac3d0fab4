"""A small model and examples for each kind of data that figures have to show."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal, Observation
from lvm_experiments.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    DiscretizedLogisticLikelihood,
    GaussianLikelihood,
    HeterogeneousLikelihood,
    PoissonLikelihood,
)
from lvm_experiments.models import VAE, ConditionalVAE, HierarchicalVAE, LatentVariableModel, ProbabilisticPCA
from lvm_experiments.models.base import Pick
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.observations import BinariseDynamic, Identity, ToReal
from lvm_experiments.plots import Illustration
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from tests.support.parts import CodesPosterior, CodesPrior

N = 40  # examples
HISTORY = [
    {"epoch": "0", "step": "9", "train/elbo": "-60.0", "val/elbo": "-50.0", "val/iw_elbo": "-45.0"},
    {"epoch": "1", "step": "19", "train/elbo": "-40.0", "val/elbo": "-41.5", "val/iw_elbo": "-40.0"},
    {"epoch": "2", "step": "29", "train/elbo": "-35.0", "val/elbo": "-43.0", "val/iw_elbo": "-39.0"},
]


def vae(spec: DataSpec, latent_dim: int, likelihood: Callable[..., Any], prior: Any = StandardNormalPrior) -> VAE:
    torch.manual_seed(0)
    networks = partial(MLPEncoder, hidden=[16]), partial(MLPDecoder, hidden=[16])
    model = VAE(spec, latent_dim, networks[0], DiagonalNormalPosterior, prior, networks[1], likelihood)
    with torch.no_grad():  # far from the start, so that pictures differ
        for p in model.parameters():
            p.mul_(3)
    return model


def _summary(space: str, x: Tensor, **facts: Any) -> DataSpec:
    mean, std = x.float().mean(0), x.float().std(0)
    return DataSpec(space, tuple(x.shape[1:]), size=len(x), mean=mean, std=std, **facts)


def _illustration(observation: Any, x: Tensor, latent_dim: int, likelihood: Callable[..., Any]) -> Illustration:
    label = torch.arange(len(x)) % 3
    examples = Batch(x, label=label, index=torch.arange(len(x)))
    model = vae(observation.spec, latent_dim, likelihood)
    return Illustration(model, observation, examples, history=HISTORY, run="a run")


def grey(latent_dim: int = 4) -> Illustration:
    x = torch.randint(0, 17, (N, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    observation = BinariseDynamic(_summary("bytes", x, levels=17, classes=3))
    return _illustration(observation, x, latent_dim, BernoulliLikelihood)


def levels(latent_dim: int = 2) -> Illustration:
    x = torch.randint(0, 17, (N, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    observation = Identity(_summary("bytes", x, levels=17, classes=3))
    return _illustration(observation, x, latent_dim, DiscretizedLogisticLikelihood)


def colour(latent_dim: int = 3) -> Illustration:
    x = torch.randint(0, 256, (N, 3, 9, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return _illustration(ToReal(_summary("bytes", x, levels=256, classes=3)), x, latent_dim, GaussianLikelihood)


def large(latent_dim: int = 3) -> Illustration:
    x = torch.randint(0, 256, (N, 1, 28, 28), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return _illustration(ToReal(_summary("bytes", x, levels=256, classes=3)), x, latent_dim, GaussianLikelihood)


def table(latent_dim: int = 2, columns: int = 5) -> Illustration:
    x = torch.randn(N, columns, generator=torch.Generator().manual_seed(1)) * 100 + 7
    observation = ToReal(_summary("real", x, classes=3), standardise=True)
    return _illustration(observation, x, latent_dim, GaussianLikelihood)


def bits(latent_dim: int = 2) -> Illustration:
    x = torch.randint(0, 2, (N, 6), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    observation = Identity(_summary("binary", x, levels=2, classes=3))
    return _illustration(observation, x, latent_dim, BernoulliLikelihood)


def counts(latent_dim: int = 2) -> Illustration:
    x = torch.poisson(torch.full((N, 4), 60.0), generator=torch.Generator().manual_seed(1))
    return _illustration(Identity(_summary("counts", x, classes=3)), x, latent_dim, PoissonLikelihood)


def mixed(latent_dim: int = 2) -> Illustration:
    generator = torch.Generator().manual_seed(1)
    columns = ("real", "positive", "binary", "counts", "categorical(3)")
    x = torch.rand(N, 5, generator=generator) * torch.tensor([9.0, 9, 2, 9, 3])
    x[:, 2:] = x[:, 2:].floor()
    observation = Identity(_summary("mixed", x, classes=3, columns=columns))
    return _illustration(observation, x, latent_dim, HeterogeneousLikelihood)


def tokens(latent_dim: int = 2) -> Illustration:
    x = torch.randint(0, 7, (N, 5), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    context = _illustration(Identity(_summary("bytes", x, levels=7, classes=3)), x, latent_dim, CategoricalLikelihood)
    context.observation.source = context.source.replace(space="tokens")
    return context


def codes(latent_dim: int = 3) -> Illustration:
    """Latents are one-hot, of two axes each."""
    context = grey(latent_dim)
    parts = partial(MLPEncoder, hidden=[16]), partial(MLPDecoder, hidden=[16])
    spec = context.observation.spec
    model = VAE(spec, latent_dim, parts[0], CodesPosterior, CodesPrior, parts[1], BernoulliLikelihood)
    return changed(context, model=model)


def layers() -> Illustration:
    """Three latents, drawn from the top down and inferred from the bottom up."""
    context, parts = grey(), (partial(MLPEncoder, hidden=[16]), partial(MLPDecoder, hidden=[16]))
    rest = (DiagonalNormalPosterior, StandardNormalPrior, parts[1], BernoulliLikelihood)
    model = HierarchicalVAE(context.observation.spec, 1, 3, 2, [8], "tanh", parts[0], *rest)
    return changed(context, model=model)


def labelled() -> Illustration:
    """A model of x given its label."""
    context, parts = grey(), (partial(MLPEncoder, hidden=[16]), partial(MLPDecoder, hidden=[16]))
    rest = (DiagonalNormalPosterior, StandardNormalPrior, parts[1], BernoulliLikelihood)
    return changed(context, model=ConditionalVAE(context.observation.spec, 4, parts[0], *rest))


def exact() -> Illustration:
    context = table()
    return changed(context, model=ProbabilisticPCA(context.observation.spec, 2))


KINDS = {
    "grey": grey,
    "levels": levels,
    "colour": colour,
    "table": table,
    "bits": bits,
    "counts": counts,
    "mixed": mixed,
    "tokens": tokens,
    "codes": codes,
    "layers": layers,
    "labelled": labelled,
    "exact": exact,
}


class Conditional(LatentVariableModel):
    """p(x|z, c) with one latent dimension; its mean is sigmoid(z + c) in every cell."""

    def __init__(self, spec: DataSpec) -> None:
        super().__init__()
        self.spec, self.likelihood = spec, BernoulliLikelihood(spec)
        self.zero = nn.Parameter(torch.zeros(1))

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = batch.condition
        assert condition is not None
        z = pick("z", lambda: DiagonalNormal(condition, 0 * condition), DiagonalNormal(0 * condition, 0 * condition))
        cells = (z + condition)[..., None].expand(*z.shape[:2], 1, self.spec.dims)
        return lambda: self.likelihood(cells.unflatten(-1, self.spec.shape))


def changed(context: Illustration, **fields: Any) -> Illustration:
    return dataclasses.replace(context, **fields)


def mosaics(figure: Any) -> list[Any]:
    """The images of a page, each with its tiles: arrays of shape `(height, width, 3)`."""
    return [artist.image for artist in figure.artists if hasattr(artist, "image")]


def words(figure: Any) -> str:
    """All that is written in a figure, axes included."""
    texts = [t.get_text() for t in figure.texts]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), *(t.get_text() for t in axes.texts)]
        legend = axes.get_legend()
        texts += [] if legend is None else [t.get_text() for t in legend.get_texts()]
    return "\n".join(texts)
