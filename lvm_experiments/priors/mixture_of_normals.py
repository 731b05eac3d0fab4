"""A mixture of normal distributions as the prior."""

from __future__ import annotations

__all__ = ["MixtureOfNormalsPrior"]

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal, Mixture
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat, PositiveInt


class MixtureOfNormalsPrior(Prior):
    r"""$p(z) = \sum_{m=1}^M w_m \mathcal{N}(z; \mu_m, \mathrm{diag}(\sigma_m^2))$, all learned, whatever the condition.

    The means start as draws from $\mathcal{N}(0, s^2 I)$ with s = `spread`, for equal ones would stay equal; scales
    start at 1 and weights at 1 / M.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data; not used.
        components: The number M.
        spread: The standard deviation of the means at the start.
        learned_weights: Whether the weights are learned; else they stay at 1 / M.

    Example:
        >>> prior = MixtureOfNormalsPrior((2,), DataSpec("binary", (4,)), components=5)
        >>> prior().sample((3,)).shape
        torch.Size([3, 2])

    References:
        | Deep unsupervised clustering with Gaussian mixture variational autoencoders (Dilokthanakul et al., 2016)
        | https://arxiv.org/abs/1611.02648
        | Variational deep embedding (Jiang et al., 2016), whose z has this marginal distribution
        | https://arxiv.org/abs/1611.05148
    """

    domain = "real"
    logits: Tensor

    def __init__(
        self,
        event_shape: tuple[int, ...],
        spec: DataSpec,
        components: PositiveInt = 10,
        spread: PositiveFloat = 1.0,
        *,
        learned_weights: bool = True,
    ) -> None:
        super().__init__()
        self.event_shape = event_shape
        self.loc = nn.Parameter(spread * torch.randn(components, *event_shape))
        self.log_scale = nn.Parameter(torch.zeros(components, *event_shape))
        if learned_weights:
            self.logits = nn.Parameter(torch.zeros(components))
        else:
            self.register_buffer("logits", torch.zeros(components), persistent=False)

    def forward(self, condition: Tensor | None = None) -> Mixture:
        return Mixture(self.logits, self.event_shape, lambda: DiagonalNormal(self.loc, self.log_scale))
