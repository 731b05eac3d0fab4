"""What objectives with a discriminator have in common."""

from __future__ import annotations

__all__ = ["Discriminated"]

from torch import Tensor, nn
from torch.nn.functional import softplus

from lvm_experiments.errors import RequestError
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.objectives.base import Objective
from lvm_experiments.objectives.discriminator import Discriminator
from lvm_experiments.types import PositiveInt


class Discriminated(Objective):
    """An objective with a discriminator of latents, which is built for the model and has a parameter group.

    Arguments:
        hidden: The sizes of its hidden layers.
    """

    discriminator: Discriminator

    def __init__(self, hidden: list[PositiveInt]) -> None:
        super().__init__()
        self.hidden = hidden

    def bind(self, model: LatentVariableModel) -> None:
        super().bind(model)
        self.check(model)
        self.discriminator = Discriminator(model.posteriors[0].event_shape, self.hidden)

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        if not all(hasattr(q, "event_shape") for q in model.posteriors):
            raise RequestError(
                f"{type(self).__name__} shapes an inference, and that of {type(model).__name__} is exact",
                where="objective",
                hint="choose objective=marginal_likelihood or another model=",
            )

    def groups(self, model: LatentVariableModel) -> dict[str, list[nn.Parameter]]:
        return {"model": list(model.parameters()), "discriminator": list(self.discriminator.parameters())}

    def apart(self, first: Tensor, second: Tensor) -> Tensor:
        """What it loses at telling two sets of latents apart, shape `(K, B, *event)` each; shape `(B,)`."""
        odds = self.discriminator
        return 0.5 * (softplus(-odds(first)) + softplus(odds(second))).mean(0)
