"""Priors over categories."""

from __future__ import annotations

__all__ = ["CategoricalPrior", "UniformCategoricalPrior"]

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import OneHot
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec


class UniformCategoricalPrior(Prior):
    r"""$p(z) = \prod_l \mathrm{Cat}(z_l; 1/C, \dots, 1/C)$, whatever the condition.

    Arguments:
        event_shape: The shape of z, `(L, C)` or `(C,)`.
        spec: What is known of the data; not used.

    Example:
        >>> prior = UniformCategoricalPrior((2, 4), DataSpec("binary", (4,)))
        >>> round(prior().log_prob(prior().sample()).exp().item(), 4)
        0.0625
    """

    domain = "one_hot"
    logits: Tensor

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("logits", torch.zeros(event_shape), persistent=False)

    def forward(self, condition: Tensor | None = None) -> OneHot:
        return OneHot(self.logits, self.logits.ndim)


class CategoricalPrior(Prior):
    r"""$p(z) = \prod_l \mathrm{Cat}(z_l; \pi_l)$ with learned $\pi$, whatever the condition.

    Arguments:
        event_shape: The shape of z, `(L, C)` or `(C,)`.
        spec: What is known of the data; not used.

    Example:
        >>> CategoricalPrior((2, 4), DataSpec("binary", (4,))).logits.shape
        torch.Size([2, 4])
    """

    domain = "one_hot"

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(event_shape))

    def forward(self, condition: Tensor | None = None) -> OneHot:
        return OneHot(self.logits, self.logits.ndim)
