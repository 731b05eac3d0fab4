"""A normal prior in the place of a Dirichlet."""

from __future__ import annotations

__all__ = ["DirichletLaplacePrior"]

import math

import torch
from torch import Tensor

from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.priors.base import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveFloat


class DirichletLaplacePrior(Prior):
    r"""The Laplace approximation of a symmetric Dirichlet over $\mathrm{softmax}(z)$, of which the diagonal is kept.

    $$ p(z) = \mathcal{N}\left(0, \frac{1}{\alpha} \left(1 - \frac{1}{L}\right) I\right) $$

    In the coordinates of the softmax the density of a Dirichlet has its mode where all shares are alike; the inverse
    of its curvature there is the covariance. There is nothing to learn.

    Arguments:
        event_shape: The shape of z, `(L,)`, L at least 2.
        spec: What is known of the data; not used.
        concentration: $\alpha$ of every share: below 1 few of them are large, at 1 all mixtures are alike.

    Raises:
        ValueError: For a single share, which is always 1.

    Example:
        >>> DirichletLaplacePrior((50,), DataSpec("counts", (4,)), concentration=0.02)().variance[0]
        tensor(49.0000)

    References:
        | Autoencoding variational inference for topic models (Srivastava & Sutton, 2017)
        | https://arxiv.org/abs/1703.01488
        | Kernel topic models (Hennig, Stern, Herbrich & Graepel, 2012)
    """

    domain = "real"
    loc: Tensor
    log_scale: Tensor

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec, concentration: PositiveFloat = 1.0) -> None:
        super().__init__()
        shares = math.prod(event_shape)
        if shares < 2:
            raise ValueError("a Dirichlet has two shares or more: latent_dim of at least 2")
        log_scale = 0.5 * math.log((1 - 1 / shares) / concentration)
        self.register_buffer("loc", torch.zeros(event_shape), persistent=False)
        self.register_buffer("log_scale", torch.full(event_shape, log_scale), persistent=False)

    def forward(self, condition: Tensor | None = None) -> DiagonalNormal:
        return DiagonalNormal(self.loc, self.log_scale)
