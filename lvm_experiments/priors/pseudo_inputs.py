"""Made-up or remembered observations that a prior asks the model's q(z|x) about."""

from __future__ import annotations

__all__ = ["PseudoInputs"]

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.examples import Examples
from lvm_experiments.options import options_where
from lvm_experiments.spec import DataSpec


class PseudoInputs(nn.Module):
    """M inputs of an encoder, behind the embedding, with all that q(z|x) is given besides.

    A model of conditions has one for each of them, a model of sequences a length. Missing cells hold 0, the embedded
    mean, and the encoder is not told of them.

    Arguments:
        spec: What is known of the data.
        number: M.
        learned: Whether gradients change them.
        spread: Their standard deviation around 0, the embedded mean, until `fill`.

    Raises:
        ValueError: For learned sequences of tokens.
    """

    x: Tensor
    condition: Tensor | None
    lengths: Tensor | None

    def __init__(self, spec: DataSpec, number: int, *, learned: bool, spread: float) -> None:
        super().__init__()
        if spec.space == "tokens" and learned:
            raise ValueError("the number of a token has no gradient; take sequences of the data, learned=false")
        self.spec = spec
        sequences = spec.space == "tokens"
        shape = (number, *spec.embedded_shape)
        x = torch.zeros(shape) if sequences else spread * torch.randn(shape)
        condition = torch.zeros(number, spec.condition) if spec.condition else None
        if learned:
            self.x = nn.Parameter(x)
            self.condition = None if condition is None else nn.Parameter(condition)
        else:
            self.register_buffer("x", x)
            self.register_buffer("condition", condition)
        self.register_buffer("lengths", torch.full((number,), spec.shape[0]) if sequences else None)

    def __len__(self) -> int:
        return len(self.x)

    @torch.no_grad()
    def fill(self, examples: Examples, condition_of: Callable[[Batch], Tensor | None]) -> None:
        """Puts the first M training examples in their place.

        Raises:
            RequestError: Where there are fewer.
        """
        batch = examples(len(self))
        assert batch.x is not None
        if len(batch.x) < len(self):
            raise RequestError(
                f"{len(self)} are wanted, and there are {len(batch.x)} training examples",
                where="model.prior.number",
                hint=f"take {len(batch.x)} at most",
            )
        self.x.copy_(self.spec.embed(batch.x, batch.observed))
        if self.condition is not None and (condition := condition_of(batch)) is not None:
            self.condition.copy_(condition)
        if self.lengths is not None and batch.lengths is not None:
            self.lengths.copy_(batch.lengths)

    def embedded(self, x: Tensor) -> Tensor:
        """What the encoder is given of some of them."""
        return x

    def posterior(self, model: Any, rows: Tensor | None = None) -> Distribution:
        """q(z|u) of the model at all of them, batch shape `(M,)`, or at those with given numbers, of their shape."""
        x = self.embedded(self.x)
        return model.q_z_embedded(x, Batch(x, lengths=self.lengths, condition=self.condition), rows)

    @staticmethod
    def check(model: Any, prior: str, wanted: Callable[[Any], bool], does: str, lacks: str) -> None:
        """Refuses a model that has no q(z|u), or whose posterior lacks what the prior does with it.

        Raises:
            RequestError: With the posteriors that would do.
        """
        if not hasattr(model, "q_z_embedded"):
            raise RequestError(
                f"{prior} asks for q(z|u) at inputs u of its own, and {type(model).__name__} draws z in several steps",
                where="model.prior",
                hint="choose another model/prior=, or a model that draws z at once, as model=bernoulli_vae",
            )
        for posterior in model.posteriors:
            if not wanted(posterior):
                can = options_where("model/posterior", wanted)
                raise RequestError(
                    f"{prior} {does}, and {type(posterior).__name__} has no {lacks}",
                    where="model.prior",
                    hint=f"choose model/posterior={'|'.join(can)}, or another model/prior=",
                )
