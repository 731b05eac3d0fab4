"""The contract of what evaluation asks."""

from __future__ import annotations

__all__ = ["About", "Question", "mean_and_error"]

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation.metrics import METRICS, Measurement
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.observations import ObservationMap
from lvm_experiments.spec import DataSpec


@dataclass(frozen=True)
class About:
    """What all numbers of one evaluation share.

    Arguments:
        model: The model.
        observation: The map its observations went through.
        split: The split.
        examples: How many examples.
        masked: Whether cells are missing.
    """

    model: LatentVariableModel
    observation: ObservationMap
    split: str
    examples: int
    masked: bool = False

    def measurement(
        self,
        name: str,
        value: float,
        *,
        estimator: str,
        num_samples: int | None = None,
        standard_error: float | None = None,
        monte_carlo_error: float | None = None,
        original: bool = False,
    ) -> Measurement:
        """A number with what is known of it.

        Arguments:
            name: The metric.
            value: The number.
            estimator: How it was found.
            num_samples: K.
            standard_error: Over examples.
            monte_carlo_error: Of the estimator.
            original: Whether it is about the data's own values, so that it can be compared across observation maps.
        """
        metric = METRICS[name]
        density = metric.unit in ("nats", "bits/dim")
        given = getattr(self.model.likelihood, "given", "") if density else ""
        if density and not getattr(self.model.likelihood, "normalised", True):
            estimator += f" ({f'given {given}' if given else 'soft targets'}: not a log-likelihood)"
        space = self.observation.description + (f", given {given}" if given else "")
        return Measurement(
            name=f"{self.split}/{name}",
            value=float(value),
            unit=metric.unit,
            estimator=estimator,
            num_samples=num_samples,
            split=self.split,
            examples=self.examples,
            space=_own_space(self.observation.source) if original else space,
            standard_error=standard_error,
            monte_carlo_error=monte_carlo_error,
            higher_is_better=metric.higher_is_better,
        )


def _own_space(source: DataSpec) -> str:
    return f"{source.space}, {source.levels} levels" if source.levels > 2 else source.space


class Question(ABC):
    """One question asked of a model.

    Per-example answers come first, so that they can be gathered from any number of ranks, kept for paired
    comparison and then summarised once.
    """

    @abstractmethod
    def per_example(
        self, model: LatentVariableModel, observation: ObservationMap, batch: Batch, raw: Tensor
    ) -> dict[str, Tensor]:
        """Named values, shape `(B, ...)`, of a batch in the likelihood's space; `raw` is x in the data's own."""

    @abstractmethod
    def summarise(self, values: dict[str, np.ndarray], about: About) -> list[Measurement]:
        """The numbers, from the values of all examples in their order, shape `(N, ...)`."""


def mean_and_error(values: np.ndarray) -> tuple[float, float | None]:
    """The mean over examples and its standard error; None where there is one example only.

    Example:
        >>> mean_and_error(np.array([1.0, 3.0]))
        (2.0, 1.0)
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return float(values.mean()), None
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
