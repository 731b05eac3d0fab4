"""A normal prior given what the model is conditioned on."""

from __future__ import annotations

__all__ = ["ConditionalNormalPrior"]

from itertools import pairwise

from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.networks.base import activation_layer
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, PositiveInt


class ConditionalNormalPrior(Prior):
    r"""$p(z|c) = \mathcal{N}(\mu(c), \mathrm{diag}(\sigma(c)^2))$ with $\mu$ and $\log \sigma$ by a small network.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; its `condition` is the length C of c.
        hidden: The sizes of the hidden layers; none makes it linear in c.
        activation: After every hidden layer.

    Raises:
        ValueError: Where there is nothing to be conditioned on.

    Example:
        >>> prior = ConditionalNormalPrior((2,), DataSpec("binary", (4,), condition=10), hidden=[16])
        >>> prior(torch.zeros(5, 10)).sample((3,)).shape
        torch.Size([3, 5, 2])

    References:
        | Learning structured output representation using deep conditional generative models (Sohn, Lee & Yan,
        2015)
        | https://papers.nips.cc/paper/5775
    """

    domain = "real"
    conditional = True

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        hidden: list[PositiveInt],
        activation: Activation = "tanh",
    ) -> None:
        super().__init__()
        if not spec.condition:
            raise ValueError("a prior given a condition needs one, and there is none")
        sizes = [spec.condition, *hidden]
        layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), activation_layer(activation))]
        self.output = nn.Linear(sizes[-1], 2 * event_shape[0])
        self.layers = nn.Sequential(*layers, self.output)

    def forward(self, condition: Tensor | None = None) -> DiagonalNormal:
        if condition is None:
            raise ValueError("p(z|c) has to be given c")
        loc, log_scale = self.layers(condition.to(self.output.weight)).chunk(2, -1)
        return DiagonalNormal(loc, log_scale)
