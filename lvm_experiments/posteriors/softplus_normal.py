"""A diagonal normal posterior whose scales are softplus functions of a linear layer."""

from __future__ import annotations

__all__ = ["SoftplusNormalPosterior"]

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lvm_experiments.posteriors.diagonal_normal import DiagonalNormalPosterior
from lvm_experiments.types import Initialisation, PositiveFloat, PositiveInt

_FAR = -15.0


class SoftplusNormalPosterior(DiagonalNormalPosterior):
    r"""A diagonal normal distribution with $\sigma = \mathrm{softplus}(a + s)^p$ for a linear in the features h.

    Scales grow with a as a does, where exponentials run away.

    Arguments:
        features: The length F of the encoder's features.
        latent_dim: The number L of latent dimensions.
        initialisation: Of the weights: torch's own, `glorot` or `he`.
        shift: s.
        power: p; with 1/2 the softplus is the variance.

    Example:
        >>> q = SoftplusNormalPosterior(features=8, latent_dim=2, initialisation="glorot")(torch.zeros(1, 8))
        >>> q.stddev  # log(1 + exp(0.25))
        tensor([[0.8259, 0.8259]], grad_fn=<ExpBackward0>)

    References:
        | Doubly reparameterized gradient estimators for Monte Carlo objectives (Tucker et al., 2018), released code
        | https://arxiv.org/abs/1810.04152
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018), released code: the variance
        | https://arxiv.org/abs/1803.05649
    """

    def __init__(
        self,
        features: PositiveInt,
        latent_dim: PositiveInt,
        initialisation: Initialisation = "default",
        shift: float = 0.25,
        power: PositiveFloat = 1.0,
    ) -> None:
        super().__init__(features, latent_dim, initialisation)
        self.shift, self.power = shift, power

    def log_scale(self, raw: Tensor) -> Tensor:
        a = raw + self.shift
        # Far below zero a softplus is an exponential, which underflows before its logarithm is taken.
        return self.power * torch.where(a > _FAR, softplus(a.clamp_min(_FAR)).log(), a)
