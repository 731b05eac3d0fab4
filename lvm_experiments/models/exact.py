"""Models whose evidence and posterior have a closed form."""

from __future__ import annotations

__all__ = ["ExactModel", "ExactPosterior"]

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.models.evidence import Evidence
from lvm_experiments.spec import DataSpec


@dataclass(frozen=True)
class ExactPosterior:
    """The facts of a posterior that is p(z|x) itself, as objectives ask for them.

    Arguments:
        domain: Where z lives.
        gradient: How gradients reach the parameters through a draw.
    """

    domain: str
    gradient: str
    has_density_at: bool = True
    factorised: bool = False
    draws_in_support: bool = True
    deterministic: bool = False


class ExactModel(LatentVariableModel):
    """p(x, z) with the exact p(z|x) for its posterior; its five parts are its own.

    A new one writes `walk`, `log_marginal` and, where it has expectation maximisation, `fit`.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        parts: The five parts by name, all of them None.

    Raises:
        RequestError: For a part, or another space.
    """

    one_latent = True
    space: str
    latent: ExactPosterior

    def __init__(self, spec: DataSpec, **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            if part is not None:
                raise RequestError(
                    f"{type(self).__name__} has no use for one", where=f"model.{name}", hint=f"leave model/{name}=none"
                )
        if spec.space != self.space:
            raise RequestError(
                f"{type(self).__name__} is a distribution over {self.space} values, and the observations are"
                f" {spec.space}",
                where="model",
                hint="choose another observation= or model=",
            )
        self.spec = spec

    @property
    def posteriors(self) -> list[Any]:
        return [self.latent]

    @abstractmethod
    def log_marginal(self, batch: Batch) -> Tensor:
        """log p(x) over what was observed, shape `(B,)`, float64; gradients reach the parameters."""

    @torch.no_grad()
    def evidence(
        self, batch: Batch | Tensor, num_samples: int, *, chunk: int | None = None, seed: int | None = None
    ) -> Evidence:
        """log p(x), with no error and without a draw."""
        batch = Batch.wrap(batch)
        assert batch.x is not None
        self.likelihood.check(batch.x, batch.observed)
        return Evidence.exact(self.log_marginal(batch))
