"""A likelihood for each column of a table."""

from __future__ import annotations

__all__ = ["HeterogeneousLikelihood"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lvm_experiments.distributions import (
    Bernoulli,
    Columns,
    LogNormalObservation,
    NominalObservation,
    NormalObservation,
    Observation,
    Poisson,
)
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.likelihoods.scales import floored
from lvm_experiments.spec import DataSpec, categories
from lvm_experiments.types import PositiveFloat


@dataclass(frozen=True)
class _Type:
    """How the columns of one type are modelled.

    Arguments:
        parameters: How many numbers the decoder gives for each.
        build: From those, shape `(K, B, parameters, n)`, centre and log scale of the training values, shape `(n,)`
            each, and the floor of log scales, to a distribution of event shape `(n,)`.
        scale: From the training mean and deviation, to that centre and log scale.
    """

    parameters: int
    build: Callable[[Tensor, Tensor, Tensor, float], Observation]
    scale: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda mean, std: (mean, std.log())


def _normal(raw: Tensor, centre: Tensor, log_scale: Tensor, floor: float) -> Observation:
    return NormalObservation(centre + log_scale.exp() * raw[:, :, 0], log_scale + floored(raw[:, :, 1], floor))


def _log_normal(raw: Tensor, centre: Tensor, log_scale: Tensor, floor: float) -> Observation:
    return LogNormalObservation(centre + log_scale.exp() * raw[:, :, 0], log_scale + floored(raw[:, :, 1], floor))


def _of_logarithms(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """The moments of log x for a log-normal x that has these."""
    mean = _positive(mean)
    variance = torch.log1p((std / mean) ** 2)
    return mean.log() - variance / 2, variance.sqrt().log()


def _of_rates(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    return _positive(mean).log(), torch.zeros_like(std)


def _positive(mean: Tensor) -> Tensor:
    """1 for a column that no training example has, whose mean is given as 0."""
    return torch.where(mean > 0, mean, 1.0)


_TYPES = {
    "binary": _Type(1, lambda raw, centre, log_scale, floor: Bernoulli(raw[:, :, 0])),
    "counts": _Type(1, lambda raw, centre, log_scale, floor: Poisson(centre + raw[:, :, 0]), _of_rates),
    "positive": _Type(2, _log_normal, _of_logarithms),
    "real": _Type(2, _normal),
}


def _type_of(column: str) -> _Type:
    if n := categories(column):
        return _Type(n, lambda raw, centre, log_scale, floor: NominalObservation(raw))
    if column not in _TYPES:
        raise ValueError(f"no column is of type {column!r}: types are {', '.join(_TYPES)} and categorical(n)")
    return _TYPES[column]


class HeterogeneousLikelihood(Likelihood):
    r"""$p(x|z) = \prod_d p_d(x_d|z)$, with a family for the type of each column of a table.

    | column | family | the decoder gives |
    | --- | --- | --- |
    | `real` | normal | mean and log deviation |
    | `positive` | log-normal, a density of x itself | the same, of log x |
    | `binary` | Bernoulli | logit |
    | `counts` | Poisson | log rate |
    | `categorical(n)` | categorical | n logits |

    Locations and scales are relative to those of the training data, so that a decoder's numbers mean the same in
    every unit; densities are of x in its own.

    Arguments:
        spec: What is known of the data, whose `columns` name the types.
        min_variance: A floor of variances, relative to those of the training data.

    Raises:
        ValueError: Where columns are not named, or not of these types.

    Example:
        >>> spec = DataSpec("mixed", (3,), columns=("real", "binary", "categorical(4)"))
        >>> likelihood = HeterogeneousLikelihood(spec)
        >>> likelihood.parameter_shape
        (7,)
        >>> likelihood(torch.zeros(1, 1, 7)).log_prob(torch.tensor([[0.0, 1.0, 3.0]])).shape
        torch.Size([1, 1])

    References:
        | Handling incomplete heterogeneous data using VAEs (Nazábal, Olmos, Ghahramani & Valera, 2020)
        | https://arxiv.org/abs/1807.03653
    """

    space = "mixed"
    order: Tensor
    centre: Tensor
    log_scale: Tensor

    def __init__(self, spec: DataSpec, min_variance: PositiveFloat = 1e-6) -> None:
        super().__init__(spec)
        if len(spec.shape) != 1 or len(spec.columns) != spec.dims:
            raise ValueError(f"a table names the type of each column: {len(spec.columns)} types for shape {spec.shape}")
        self.min_log_scale = 0.5 * math.log(min_variance)
        kinds = sorted(set(spec.columns))
        self.types = [_type_of(kind) for kind in kinds]
        places = [[d for d, column in enumerate(spec.columns) if column == kind] for kind in kinds]
        self.sizes = [len(columns) for columns in places]
        self.parameter_shape = (sum(t.parameters * n for t, n in zip(self.types, self.sizes, strict=True)),)
        order = torch.tensor([d for columns in places for d in columns])
        centre, log_scale = self._training_scale(order)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("log_scale", log_scale, persistent=False)

    def _training_scale(self, order: Tensor) -> tuple[Tensor, Tensor]:
        """Centre and log scale of each column, in the order of the groups; 0 where nothing is known."""
        mean, std = self.spec.mean, self.spec.std
        if mean is None or std is None:
            return torch.zeros(len(order)), torch.zeros(len(order))
        mean, std = (known.to(torch.get_default_dtype())[order].split(self.sizes) for known in (mean, std))
        scales = [t.scale(m, torch.where(s > 0, s, 1.0)) for t, m, s in zip(self.types, mean, std, strict=True)]
        return torch.cat([centre for centre, _ in scales]), torch.cat([log_scale for _, log_scale in scales])

    def forward(self, raw: Tensor) -> Columns:
        widths = [t.parameters * n for t, n in zip(self.types, self.sizes, strict=True)]
        groups = [
            t.build(piece.unflatten(2, (t.parameters, -1)), centre, log_scale, self.min_log_scale)
            for t, piece, centre, log_scale in zip(
                self.types,
                raw.split(widths, 2),
                self.centre.split(self.sizes),
                self.log_scale.split(self.sizes),
                strict=True,
            )
        ]
        return Columns(groups, self.order)

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        """Refuses values outside the support of their column.

        Arguments:
            x: Observations, shape `(B, D)`.
            mask: True where a cell was observed.

        Raises:
            ValueError: With the column and its first value that lies outside.
        """
        p = self.forward(x.new_zeros((1, 1, *self.parameter_shape), dtype=self._dtype()))
        pieces = zip(p.groups, self.order.split(self.sizes), strict=True)
        for group, columns in pieces:
            support: Any = group.support
            for d in columns.tolist():
                values = x[:, d] if mask is None else x[:, d][mask.expand_as(x)[:, d]]
                outside = ~support.base_constraint.check(values) | ~torch.isfinite(values)
                if bool(outside.any()):
                    kind, value = self.spec.columns[d], values[outside][0].item()
                    raise ValueError(f"column {d} is said to be {kind}, and the data hold {value:g}")
