"""The contract of observation maps."""

from __future__ import annotations

__all__ = ["ObservationMap", "fits", "observe"]

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.noise import keyed_noise
from lvm_experiments.options import options_where
from lvm_experiments.spec import DataSpec

OBSERVATION_STREAM = 1  # of keyed noise; the model's draws use stream 0

# A space's values are also values of these.
_WIDER = {"binary": ("bytes",), "unit": ("real",)}


def fits(space: str, wanted: str) -> bool:
    """Whether values of `space` may be modelled by a distribution over `wanted`.

    Example:
        >>> fits("unit", "real"), fits("real", "unit")
        (True, False)
    """
    return space == wanted or wanted in _WIDER.get(space, ())


class ObservationMap(ABC):
    """x in a data set's own values to x in a likelihood's space, and back.

    A new one gives `convert` and `inverse`, sets `spec`, and says what it loses; the simplest to read is `Identity`.

    Arguments:
        source: What is known of the data.

    Attributes:
        spec: What is known of the mapped data.
        lossless: Whether a density after the map determines one before it.
        description: What it does, for tables; it tells measured spaces apart.
    """

    lossless: bool
    description: str

    def __init__(self, source: DataSpec) -> None:
        self.source = source
        self.spec = source

    @abstractmethod
    def convert(self, x: Tensor, index: Tensor | None) -> Tensor:
        """Raw x `(B, *shape)` to the likelihood's space; noise is torch's default, in draws of shape `(1, B, ...)`."""

    @abstractmethod
    def inverse(self, x: Tensor, *, rounded: bool = True) -> Tensor:
        """Values of the likelihood's space in the data's own.

        Arguments:
            x: Draws or means, shape `(B, *shape)`.
            rounded: To values the data can have, as draws are; a mean need not be one, and says more as it is.
        """

    def log_det(self) -> float | None:
        """Nats per example to add to a log density after the map for the one before it; None where it is lost."""
        return 0.0 if self.lossless else None

    def __call__(self, x: Tensor, index: Tensor | None = None) -> Tensor:
        return self.convert(x, index)

    def _refuse(self, target: str, *, can: tuple[str, ...]) -> RequestError:
        names = "|".join(options_where("model/likelihood", lambda kind: kind.space == self.source.space))
        return RequestError(
            f"{self.source.space} data cannot be mapped to {target} values",
            where="observation",
            hint=f"it maps from {', '.join(can)}; choose another model= or, where it has one, model/likelihood={names}",
        )

    def _noise(self, x: Tensor) -> Tensor:
        """Uniform on [0, 1), of torch's default type, shape of x."""
        return torch.rand((1, *x.shape), device=x.device)[0]


def observe(observation: ObservationMap, batch: Batch, seed: int | None = None) -> Batch:
    """The batch in the likelihood's space.

    Arguments:
        observation: The map.
        batch: Raw values.
        seed: Keys the map's noise by example; None takes torch's default generator, as training does.
    """
    if batch.x is None:
        return batch
    if seed is None:
        return batch.replace(x=observation(batch.x, batch.index))
    if batch.index is None:
        raise ValueError("keyed noise needs the examples' numbers")
    with keyed_noise(batch.index, seed, stream=OBSERVATION_STREAM):
        return batch.replace(x=observation(batch.x, batch.index))
