"""The standard Laplace prior."""

from __future__ import annotations

__all__ = ["LaplacePrior"]

import torch
from torch import Tensor

from lvm_experiments.distributions import StandardLaplace
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec


class LaplacePrior(Prior):
    r"""$p(z) = \prod_l \frac{1}{2} e^{-|z_l|}$, whatever the condition.

    Its corners lie on the axes: unlike the standard normal it is not invariant to rotations of z, and favours
    codes with few large entries. The divergence from a diagonal normal posterior is exact.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.

    Example:
        >>> prior = LaplacePrior((2,), DataSpec("binary", (4,)))
        >>> round(prior().log_prob(torch.ones(2)).item(), 4)
        -3.3863

    References:
        | Sparse coding with an overcomplete basis set: a strategy employed by V1? (Olshausen & Field, 1997)
        | https://doi.org/10.1016/S0042-6989(97)00169-7
    """

    domain = "real"
    like: Tensor

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec) -> None:
        super().__init__()
        self.register_buffer("like", torch.zeros(event_shape), persistent=False)

    def forward(self, condition: Tensor | None = None) -> StandardLaplace:
        return StandardLaplace(self.like)
