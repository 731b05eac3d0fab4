"""Priors over vector-quantised codes."""

from __future__ import annotations

__all__ = ["AutoregressiveCodesPrior", "UniformCodesPrior"]

from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import AutoregressiveCodes, UniformCodes
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class _CodesPrior(Prior):
    """A prior over the codes of the model's own posterior."""

    domain = "codes"
    posterior: Any = None

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.event_shape = event_shape

    def bind(self, model: Any) -> None:
        self.__dict__["posterior"] = model.posterior  # not as a submodule: it is registered in the model


class UniformCodesPrior(_CodesPrior):
    r"""$p(z) = C^{-L}$ for every sequence of L of the C codes of the model's codebook, whatever the condition.

    Arguments:
        event_shape: The shape of z, `(L, D)`.
        spec: What is known of the data; not used.

    Example:
        >>> from types import SimpleNamespace
        >>> prior = UniformCodesPrior((2, 3), DataSpec("binary", (4,)))
        >>> prior.bind(SimpleNamespace(posterior=SimpleNamespace(codebook=torch.randn(4, 3))))
        >>> round(prior().log_prob(prior().sample()).exp().item(), 4)
        0.0625

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        | https://arxiv.org/abs/1711.00937
    """

    def forward(self, condition: Tensor | None = None) -> UniformCodes:
        return UniformCodes(self.posterior.codebook, self.event_shape[0])


class AutoregressiveCodesPrior(_CodesPrior):
    r"""$p(z) = \prod_l \mathrm{Cat}(k_l; \mathrm{softmax}(W s_l))$, s the states of a recurrent network.

    A gated recurrent unit reads the code vectors $z_1, \dots, z_{l-1}$. It learns along with the model; detached, it
    learns the codes as they are and does not change them, as if it were fitted after them.

    Arguments:
        event_shape: The shape of z, `(L, D)`.
        spec: What is known of the data; not used.
        hidden: The number of the recurrent network's units.
        detach: Whether its loss stays with it; else its gradient reaches the encoder through the codes it reads.

    Example:
        >>> from types import SimpleNamespace
        >>> prior = AutoregressiveCodesPrior((2, 3), DataSpec("binary", (4,)), hidden=5)
        >>> prior.bind(SimpleNamespace(posterior=SimpleNamespace(codebook=torch.randn(4, 3))))
        >>> prior().sample((7,)).shape
        torch.Size([7, 2, 3])

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017), section 3.3
        | https://arxiv.org/abs/1711.00937
        | Learning phrase representations using RNN encoder-decoder (Cho et al., 2014), https://arxiv.org/abs/1406.1078
    """

    output: nn.Linear

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        hidden: PositiveInt = 128,
        *,
        detach: bool = True,
    ) -> None:
        super().__init__(event_shape, spec)
        self.hidden, self.detach = hidden, detach
        self.first = nn.Parameter(torch.randn(event_shape[-1]))
        self.states = nn.GRU(event_shape[-1], hidden, batch_first=True)

    def bind(self, model: Any) -> None:
        super().bind(model)
        self.output = nn.Linear(self.hidden, len(self.posterior.codebook))

    def forward(self, condition: Tensor | None = None) -> AutoregressiveCodes:
        codebook, length = self.posterior.codebook, self.event_shape[0]
        return AutoregressiveCodes(codebook, length, self.first, self._following, detach=self.detach)

    def _following(self, codes: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        states, state = self.states(codes, state)
        return self.output(states), state
