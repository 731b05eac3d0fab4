"""What figures are drawn from."""

from __future__ import annotations

__all__ = ["EXAMPLES", "PICTURES", "Illustration"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.draw import Latents
from lvm_experiments.observations import ObservationMap, observe
from lvm_experiments.plots.latents import flatten
from lvm_experiments.plots.rest import at_rest
from lvm_experiments.plots.tiles import can_be_looked_at
from lvm_experiments.spec import DataSpec

EXAMPLES = 1000  # raw examples that figures of tables make use of
PICTURES = 64  # images of a grid at most


@dataclass(frozen=True, eq=False)
class Illustration:
    """A trained model and what to show it with, the same for every run on the same data.

    Arguments:
        model: The model.
        observation: The map from the data's own values to the likelihood's space.
        examples: Raw examples in the order of the data set, with label and index: the first
            `EXAMPLES` of a split, or as many as there are. Grids of images show the first
            `PICTURES` of them.
        split: What the split is called.
        latent_mean: Posterior means of (more) examples, shape `(N, L)`, from evaluation; None
            takes those of `examples`.
        label: The classes of the same examples, shape `(N,)`; None where there are none.
        history: Rows of metrics.csv: words or numbers by name, `epoch` among them.
        monitor: The validation metric that picks the best epoch.
        run: What the run is called; it stands in the figures.
        seed: Of all noise: the observation map's, keyed by example, and that of draws.
    """

    model: LatentVariableModel
    observation: ObservationMap
    examples: Batch
    split: str = "test"
    latent_mean: np.ndarray | None = None
    label: np.ndarray | Tensor | None = None
    history: Sequence[Mapping[str, Any]] = ()
    monitor: str = "val/elbo"
    run: str = ""
    seed: int = 0

    @property
    def source(self) -> DataSpec:
        """What is known of the data, in their own values."""
        return self.observation.source

    @property
    def is_image(self) -> bool:
        """Whether an example can be looked at."""
        return can_be_looked_at(self.source)

    @property
    def raw(self) -> Tensor:
        """The examples in the data's own values, shape `(B, *shape)`."""
        assert self.examples.x is not None
        return self.examples.x.cpu()

    @cached_property
    def table(self) -> np.ndarray:
        """The examples as rows of numbers, shape `(B, D)`; NaN where nobody knows one, whatever stands there."""
        rows, mask, hidden = self.raw.double(), self.examples.mask, self.examples.hidden
        if mask is not None:
            known = mask.cpu() if hidden is None else mask.cpu() | hidden.cpu()
            rows = rows.where(known, torch.nan)
        return rows.flatten(1).numpy()

    @cached_property
    def seen(self) -> Batch:
        """The examples as the model sees them, on its device; the same as evaluation's."""
        device = next((p.device for p in self.model.parameters()), torch.device("cpu"))
        return observe(self.observation, self.examples.to(device), self.seed)

    def few(self, n: int) -> Batch:
        """The first n of the examples as the model sees them."""
        fields = ((name, getattr(self.seen, name)) for name in Batch.__slots__)
        return Batch(**{name: None if value is None else value[:n] for name, value in fields})

    @cached_property
    def latents(self) -> Latents:
        """The posterior means of the examples, shape `(B, *event)` each."""
        return self.model.encode(self.seen)

    @cached_property
    def codes(self) -> np.ndarray:
        """Posterior means as vectors, shape `(N, L)`: those given, else the examples'."""
        if self.latent_mean is not None:
            return np.asarray(self.latent_mean)
        return flatten(self.latents).double().cpu().numpy()

    @cached_property
    def classes(self) -> np.ndarray | None:
        """The label of each of `codes`, shape `(N,)`."""
        label = self.examples.label if self.latent_mean is None else self.label
        return None if label is None else np.asarray(torch.as_tensor(label).cpu())

    @cached_property
    def by_activity(self) -> list[int]:
        """Latent dimensions, those first whose posterior mean varies most over the examples."""
        return np.argsort(-self.codes.var(0), kind="stable").tolist()

    @cached_property
    def reconstructed(self) -> Tensor:
        """E[x|z] of the examples at the z that stands for each, in the data's own values, shape `(B, *shape)`.

        Of categories it is the most probable one.

        Of images those of the first `PICTURES`: no more are shown, and a mean of autoregressive pixels takes many
        passes of a network.
        """
        shown = self.few(PICTURES) if self.is_image else self.seen
        return self.original(self.model.reconstruct(shown), mean=True)

    def conditions(self, n: int) -> Tensor | None:
        """What the model conditions the first n examples on, shape `(n, C)`; None where it is on nothing."""
        condition = self.model.condition_of(self.seen)
        return None if condition is None else condition[:n]

    @property
    def has_means(self) -> bool:
        """Whether a mean of values says anything: that of words does not."""
        return self.source.space != "tokens"

    def samples(self, n: int, *, mean: bool = False) -> Tensor:
        """n draws from the prior in the data's own values, shape `(n, *shape)`.

        Where the data come with conditions, one is drawn for that of each of the first n examples.

        Arguments:
            n: How many.
            mean: E[x|z], of categories the most probable one, in place of draws of x, for the same z.
        """
        condition = None if self.seen.condition is None else self.seen.condition[:n]
        # z is drawn first, so that a mean and a draw from the same seed are of the same z.
        with at_rest(self.model, self.seed):
            x = self.model.sample(n, mean=mean) if condition is None else self.model.sample(1, condition, mean=mean)[0]
        return self.original(x, mean=mean)

    def original(self, x: Tensor, *, mean: bool = False) -> Tensor:
        """Values of the likelihood's space in the data's own, on the CPU.

        Arguments:
            x: Values, shape `(B, *shape)`.
            mean: Whether they are means. Of binary cells these are probabilities, and rounding
                them to 0 or 1 would hide what the model says.
        """
        return self.observation.inverse(x, rounded=not mean).cpu()

    @property
    def space(self) -> str:
        """What the likelihood is a distribution over, in words."""
        return f"observed as {self.observation.description}"

    def subtitle(self, *facts: str) -> str:
        """What a figure shows, in a line: the run's name and some facts."""
        return " · ".join(fact for fact in (self.run, *facts) if fact)
