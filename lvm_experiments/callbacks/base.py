"""What a callback may ask of the run it belongs to."""

from __future__ import annotations

__all__ = ["Bindable", "Monitor", "build_callbacks"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pytorch_lightning import Callback

from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation.metrics import METRICS, metric_of
from lvm_experiments.runs.folder import RunFolder


@dataclass(frozen=True)
class Monitor:
    """The validation metric a run is judged by; its direction comes from the metric itself.

    Arguments:
        name: Its logged name, like `val/elbo`.

    Raises:
        RequestError: There is no such metric, or neither direction of it is better.

    Example:
        >>> Monitor("val/nll").mode
        'min'
    """

    name: str

    def __post_init__(self) -> None:
        if metric_of(self.name).higher_is_better is None:
            directed = [m.name for m in METRICS.values() if m.higher_is_better is not None]
            raise RequestError(
                f"neither a high nor a low {self.name} is better",
                where="monitor",
                hint=f"choose one of {', '.join(directed)}",
            )

    @property
    def mode(self) -> str:
        """`max` where higher is better, else `min`."""
        return "max" if metric_of(self.name).higher_is_better else "min"

    def improves(self, value: float, best: float | None) -> bool:
        """Whether a value is better than the best so far. What is not a number never is."""
        if value != value:
            return False
        return best is None or (value > best if self.mode == "max" else value < best)


@runtime_checkable
class Bindable(Protocol):
    """A callback that is told, before training, where the run lies and what it is judged by."""

    def bind(self, folder: RunFolder, monitor: Monitor) -> None:
        """Takes what it needs of the two."""


def build_callbacks(parts: Mapping[str, Any] | None, folder: RunFolder, monitor: Monitor) -> list[Callback]:
    """The callbacks of a run, ready for a Trainer.

    Arguments:
        parts: Callbacks by name, as instantiated from the configuration; None for one left out.
        folder: The run's folder.
        monitor: The metric it is judged by.

    Raises:
        RequestError: One of them is no callback.
    """
    callbacks = []
    for name, part in (parts or {}).items():
        if part is None:
            continue
        if not isinstance(part, Callback):
            raise RequestError(f"{type(part).__name__} is no callback", where=f"callbacks.{name}")
        if isinstance(part, Bindable):
            part.bind(folder, monitor)
        callbacks.append(part)
    return callbacks
