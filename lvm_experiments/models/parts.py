"""Building a model's parts, and refusing those that cannot go together."""

from __future__ import annotations

__all__ = [
    "build_decoder",
    "build_part",
    "check_condition",
    "check_domains",
    "check_layers",
    "check_space",
    "check_together",
    "class_of",
    "latent_dims",
    "one_of",
]

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.observations import fits
from lvm_experiments.options import options_where
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec, as_floating

T = TypeVar("T", bound=nn.Module)
_KINDS = {"encoder": Encoder, "posterior": Posterior, "prior": Prior, "decoder": Decoder, "likelihood": Likelihood}


def class_of(part: Callable[..., T]) -> Any:
    """The class that a part will be of; its attributes are the facts to check."""
    return part.func if isinstance(part, partial) else part


def build_part(name: str, part: Callable[..., T] | None, *given: Any) -> T:
    """Calls a part with what only the model knows.

    Raises:
        RequestError: Where the part is missing, or refuses.
    """
    where = f"model.{name}"
    if part is None:
        names = options_where(where.replace(".", "/"), lambda kind: True)
        raise RequestError("this model needs one", where=where, hint=f"choose one with model/{name}={'|'.join(names)}")
    try:
        built = part(*given)
    except RequestError:
        raise
    except (TypeError, ValueError) as cause:
        raise RequestError(str(cause), where=where) from cause
    kind = _KINDS.get(name, nn.Module)
    if not isinstance(built, kind):
        hint = f"one of your own derives from {kind.__module__.rpartition('.')[0]}.{kind.__name__}"
        raise RequestError(f"{type(built).__name__} is no {kind.__name__}", where=where, hint=hint)
    return built


def build_decoder(decoder: Callable[..., Decoder] | None, inputs: int, likelihood: Likelihood) -> Decoder:
    """A decoder of so many inputs to the likelihood's raw parameters, at those of the data's mean if it begins there.

    Raises:
        RequestError: Where the part is missing, or refuses.
    """
    part = build_part("decoder", decoder, inputs, likelihood.parameter_shape)
    if (raw := likelihood.raw_at_mean()) is not None:
        part.start_at(raw)
    return part


def check_space(likelihood: Callable[..., nn.Module] | None, spec: DataSpec) -> None:
    """Refuses a likelihood over another space than the observations'."""
    kind = class_of(likelihood) if likelihood is not None else None
    if isinstance(kind, type) and issubclass(kind, Likelihood) and not hasattr(kind, "space"):
        what = f"{kind.__name__} does not say which values it is a distribution over"
        raise RequestError(what, where="model.likelihood", hint=f'state it in the class: space = "{spec.space}", say')
    if kind is None or not hasattr(kind, "space") or fits(spec.space, kind.space):
        return
    can = options_where("model/likelihood", lambda c: fits(spec.space, c.space))
    raise RequestError(
        f"{kind.__name__} is a distribution over {kind.space} values, and the observations are {spec.space}",
        where="model.likelihood",
        hint=f"choose model/likelihood={'|'.join(can)}, or another observation=",
    )


def check_domains(
    posterior: Callable[..., nn.Module] | None, prior: Callable[..., nn.Module] | None, spec: DataSpec
) -> None:
    """Refuses a prior that lives elsewhere than the posterior; names those that could be had with such data."""
    if posterior is None or prior is None:
        return
    q, p = class_of(posterior), class_of(prior)
    if p.domain is None or p.domain == q.domain:
        return
    can = options_where("model/prior", lambda c: c.domain in (None, q.domain) and c.conditional <= bool(spec.condition))
    raise RequestError(
        f"{p.__name__} is a distribution over {p.domain} latents, and {q.__name__} gives {q.domain} ones",
        where="model.prior",
        hint=f"choose model/prior={'|'.join(can)}" if can else f"this package has no prior over {q.domain} latents",
    )


def check_condition(prior: Callable[..., nn.Module] | None, spec: DataSpec) -> None:
    """Refuses a prior over conditions where there are none."""
    if prior is None or spec.condition or not getattr(class_of(prior), "conditional", False):
        return
    can = options_where("model/prior", lambda c: not c.conditional)
    raise RequestError(
        f"{class_of(prior).__name__} is a distribution given a condition, and there is none",
        where="model.prior",
        hint=f"choose model=cvae, data with conditions, or model/prior={'|'.join(can)}",
    )


def check_layers(posterior: Callable[..., nn.Module] | None) -> None:
    """Refuses a family that cannot be the conditional prior of a latent that another distribution drew."""
    if posterior is None or class_of(posterior).has_density_at:
        return
    can = options_where("model/posterior", lambda c: c.has_density_at)
    raise RequestError(
        f"{class_of(posterior).__name__} knows the density of its own draws only, and between layers it has to score"
        " those of others",
        where="model.posterior",
        hint=f"choose model/posterior={'|'.join(can)}",
    )


def check_together(
    spec: DataSpec,
    posterior: Callable[..., nn.Module] | None,
    prior: Callable[..., nn.Module] | None,
    likelihood: Callable[..., nn.Module] | None,
) -> None:
    """Refuses parts that cannot go together, or not with such data."""
    check_space(likelihood, spec)
    check_domains(posterior, prior, spec)
    check_condition(prior, spec)


def latent_dims(latent_dim: int | None, spec: DataSpec) -> int:
    """L, or where none is given 50, or a quarter of the observed dimensions where that is less.

    Example:
        >>> latent_dims(None, DataSpec("binary", (1, 8, 8))), latent_dims(3, DataSpec("binary", (1, 8, 8)))
        (16, 3)
    """
    return latent_dim or max(1, min(50, spec.dims // 4))


def one_of(label: int, classes: int) -> Tensor:
    """A class, one-hot, shape `(1, classes)`.

    Raises:
        ValueError: Where there is no such class.

    Example:
        >>> one_of(1, 3)
        tensor([[0., 1., 0.]])
    """
    if not 0 <= label < classes:
        raise ValueError(f"there are classes 0 to {classes - 1}, and not {label}")
    return as_floating(one_hot(torch.tensor([label]), classes))
