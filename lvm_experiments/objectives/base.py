"""The contract of objectives."""

from __future__ import annotations

__all__ = ["Losses", "Objective", "Progress"]

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import Draw, LatentVariableModel
from lvm_experiments.models.draw import Latents
from lvm_experiments.options import options_where
from lvm_experiments.posteriors import Posterior

_FACTS = {
    "has_density_at": "a posterior whose density is known at any point",
    "factorised": "a posterior that factorises over latent dimensions",
    "pathwise": "a posterior whose draws carry gradients",
    "reparameterised": "a posterior with reparameterised draws",
    "in_support": "a posterior whose training draws are values of its own density (relaxed ones are not)",
    "real": "latents on the real line",
    "mask": "a likelihood that can leave cells out",
    "one_latent": "a model with one latent variable",
}
# What each says of a posterior's class.
_OF_POSTERIORS: dict[str, Callable[[Any], bool]] = {
    "has_density_at": lambda kind: kind.has_density_at,
    "factorised": lambda kind: kind.factorised,
    "pathwise": lambda kind: kind.gradient != "score",
    "reparameterised": lambda kind: kind.gradient == "reparameterised",
    "in_support": lambda kind: kind.draws_in_support,
    "real": lambda kind: kind.domain == "real",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training is.

    Arguments:
        step: Updates done.
        epoch: Epochs done.
        steps: Updates in all; 0 where nobody knows.
        epochs: Epochs in all, likewise.
        share: What makes of a mean over the rows of this process its part of the mean over all rows, once processes
            are averaged: 1 where they have equally many, 0 for one that has none.
    """

    step: int = 0
    epoch: int = 0
    steps: int = 0
    epochs: int = 0
    share: float = 1.0


@dataclass(slots=True)
class Losses:
    """What an objective says of a batch.

    Arguments:
        loss: A scalar to minimise for each parameter group.
        terms: Named per-example values in nats, shape `(B,)`, detached.
    """

    loss: dict[str, Tensor]
    terms: dict[str, Tensor]


class Objective(nn.Module, ABC):
    """A function of model and batch to minimise.

    A new one writes `compute` with draws from `self.draw`; the model's own losses (a commitment loss) are added
    here, so that none can forget them. The simplest to read is `ELBO`. Parameters of its own are parameters of the
    module; multipliers and running values are buffers.

    Attributes:
        needs: Facts the posterior or likelihood must have: `has_density_at`, `factorised`, `pathwise`,
            `reparameterised`, `in_support`, `real`, `mask`, `one_latent`.
        monitor: The validation metric that picks its best checkpoint.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    monitor: ClassVar[str] = "val/elbo"

    def __init__(self) -> None:
        super().__init__()
        self._drawn: list[Draw] = []

    @abstractmethod
    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        """The losses without the model's own."""

    def draw(
        self, model: LatentVariableModel, batch: Batch, num_samples: int = 1, *, given: Latents | None = None
    ) -> Draw:
        """A differentiable draw whose own losses will be added; latents that are given are not drawn."""
        drawn = model.draw(batch, num_samples, given=given)
        self._drawn.append(drawn)
        return drawn

    def forward(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        """The losses of a batch, means over its examples."""
        self._drawn = []
        losses = self.compute(model, batch, progress)
        draws, self._drawn = self._drawn, []
        for drawn in draws:
            for name, own in drawn.losses.items():
                losses.loss["model"] = losses.loss["model"] + own.mean()
                losses.terms[name] = own.detach()
        return losses

    def groups(self, model: LatentVariableModel) -> dict[str, list[nn.Parameter]]:
        """The parameters each loss is for; one group unless overridden."""
        return {"model": [*model.parameters(), *self.parameters()]}

    def bind(self, model: LatentVariableModel) -> None:
        """Builds what needs the model's sizes (a discriminator does); called once, before anything else is asked."""

    def check(self, model: LatentVariableModel) -> None:
        """Refuses a model that lacks a fact this objective needs.

        Raises:
            RequestError: Names the fact, and the posteriors that have it.
        """
        for fact in self.needs:
            if fact in _OF_POSTERIORS:
                has = _OF_POSTERIORS[fact]
                kept = all(map(has, model.posteriors)) and (fact != "factorised" or bool(model.posteriors))
                hint = _other_posteriors(model, has)
            elif fact == "mask":
                kept, hint = model.likelihood.mask is not None, "choose another model/likelihood= or objective="
            else:
                kept, hint = model.one_latent, "choose another model= or objective="
            if not kept:
                raise RequestError(f"{type(self).__name__} needs {_FACTS[fact]}", where="objective", hint=hint)

    def warnings(self, progress: Progress) -> list[str]:
        """What a user ought to know before training, given how long it will be."""
        return []


def _other_posteriors(model: LatentVariableModel, has: Callable[[Any], bool]) -> str:
    """What to choose where a posterior lacks something: another one, unless it is of the model's own make."""
    chosen = getattr(model, "posterior", None)
    own = [part for name, part in model.named_children() if isinstance(part, Posterior) and name != "posterior"]
    if chosen is None or not all(map(has, own)):
        return "choose another objective= or model="
    options = options_where("model/posterior", has)
    here = options_where("model/posterior", lambda kind: has(kind) and kind.domain == chosen.domain)
    if here:
        return f"choose model/posterior={'|'.join(here)} or another objective="
    return f"choose model/posterior={'|'.join(options)} and a model/prior= that goes with it, or another objective="
