"""All latents of a model as one vector, whatever their number and shapes."""

from __future__ import annotations

__all__ = ["are_real", "flatten", "latent_names", "prior_moments", "unflatten"]

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.draw import Latents

_DRAWS = 4096  # for a prior that does not know its own moments: an error of 1.6 % of a deviation


def are_real(model: LatentVariableModel) -> bool:
    """Whether every latent lives on the real line, so that one may walk along it."""
    return all(posterior.domain == "real" for posterior in model.posteriors)


def flatten(latents: Latents) -> Tensor:
    """Latents of shape `(B, *event)` each as one matrix, shape `(B, L)` with L over all of them.

    Example:
        >>> flatten({"z": torch.zeros(3, 2), "w": torch.zeros(3, 4, 5)}).shape
        torch.Size([3, 22])
    """
    return torch.cat([z.flatten(1) for z in latents.values()], 1)


def unflatten(vectors: Tensor, like: Latents) -> Latents:
    """The inverse of `flatten`: vectors `(B, L)` to latents with the events of `like`."""
    sizes = [prod(z.shape[1:]) for z in like.values()]
    pieces = vectors.split(sizes, 1)
    return {name: piece.reshape(-1, *z.shape[1:]) for (name, z), piece in zip(like.items(), pieces, strict=True)}


def latent_names(latents: Latents) -> list[str]:
    """A name for each of the L dimensions, numbered from 1, in mathematical type.

    Example:
        >>> latent_names({"z": torch.zeros(3, 2)})
        ['$z_{1}$', '$z_{2}$']
        >>> latent_names({"z3": torch.zeros(3, 1)})
        ['$z_{3,1}$']
    """
    found = []
    for name, z in latents.items():
        letters = name.rstrip("0123456789")
        layer = f"{name[len(letters) :]}," if letters != name else ""
        found += [f"${letters}_{{{layer}{number}}}$" for number in range(1, prod(z.shape[1:]) + 1)]
    return found


def prior_moments(
    model: LatentVariableModel, condition: Tensor | None = None, order: Iterable[str] | None = None
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each latent dimension under the prior, shape `(L,)` each.

    Exact where the prior knows them; else from draws of torch's default generator.

    Arguments:
        model: The model.
        condition: What to condition on, shape `(1, C)`.
        order: The names of the latents in the order wanted; None: that in which they are drawn from the prior, which
            need not be that in which they are inferred.
    """
    moments: dict[str, tuple[Tensor, Tensor]] = {}

    def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
        z = p.sample((_DRAWS, 1)[: 2 - len(p.batch_shape)])
        moments[name] = _moments(p) or (z.mean((0, 1)).flatten(), z.std((0, 1)).flatten())
        return z

    model.walk(Batch(None, condition=condition), pick)
    means, deviations = zip(*(moments[name] for name in order or moments), strict=True)
    return torch.cat(means), torch.cat(deviations)


def _moments(p: Distribution) -> tuple[Tensor, Tensor] | None:
    if prod(p.batch_shape) != 1:  # it hangs on a latent drawn before
        return None
    try:
        mean, deviation = p.mean.flatten(), p.stddev.flatten()
    except (AttributeError, NotImplementedError):
        return None
    known = bool(torch.isfinite(mean).all() and torch.isfinite(deviation).all())
    return (mean, deviation) if known else None
