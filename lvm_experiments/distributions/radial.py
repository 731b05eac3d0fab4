"""The radial transformation."""

from __future__ import annotations

__all__ = ["RadialTransform"]

import torch
from torch import Tensor
from torch.distributions import Transform, constraints
from torch.nn.functional import softplus

# The smallest alpha, and how close beta may come to -alpha, where the determinant at the centre is 0.
_MARGIN = 1e-6


class RadialTransform(Transform):
    r"""$f(z) = z + \frac{\beta}{\alpha + r} (z - c)$ with $r = |z - c|$, which is invertible because $\beta > -\alpha$.

    $$ \alpha = \mathrm{softplus}(a) + 10^{-6} , \quad
       \beta = (1 - 10^{-6}) (\mathrm{softplus}(a + b) - \mathrm{softplus}(a)) $$

    $$ \log |\det \partial f / \partial z| = (L - 1) \log \left( 1 + \frac{\beta}{\alpha + r} \right)
       + \log \left( 1 + \frac{\alpha \beta}{(\alpha + r)^2} \right) $$

    b = 0 is the identity. A point at distance s from c came from the distance r that solves
    $r^2 + (\alpha + \beta - s) r - \alpha s = 0$, so the inverse is exact.

    Arguments:
        centre: c, shape `(*batch, L)`.
        a: Shape `(*batch,)`.
        b: Likewise.

    Example:
        >>> f = RadialTransform(torch.zeros(5, 2), torch.zeros(5), torch.ones(5))
        >>> z = torch.randn(3, 5, 2)
        >>> y, log_det = f.call_and_ladj(z)
        >>> torch.allclose(f.inv(y), z, atol=1e-5), log_det.shape
        (True, torch.Size([3, 5]))

    References:
        | Variational inference with normalizing flows (Rezende & Mohamed, 2015)
        | https://arxiv.org/abs/1505.05770
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, centre: Tensor, a: Tensor, b: Tensor) -> None:
        super().__init__()
        self.centre = centre
        self.alpha = softplus(a) + _MARGIN
        self.beta = (1 - _MARGIN) * (softplus(a + b) - softplus(a))

    def _call(self, x: Tensor) -> Tensor:
        return self.call_and_ladj(x)[0]

    def _inverse(self, y: Tensor) -> Tensor:
        away = y - self.centre
        distance = torch.linalg.vector_norm(away, dim=-1)
        half = 0.5 * (self.alpha + self.beta - distance)
        root = torch.sqrt(half**2 + self.alpha * distance)
        # Of the two forms of the positive root the one that adds; the other is replaced before it is divided by 0.
        adding = half > 0
        divisor = torch.where(adding, half + root, torch.ones_like(root))
        r = torch.where(adding, self.alpha * distance / divisor, root - half)
        return self.centre + away / (1 + self.beta / (self.alpha + r))[..., None]

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.call_and_ladj(x)[1]

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(z), shape `(*sample, *batch, L)`, and its log-determinant, shape `(*sample, *batch)`."""
        away = x - self.centre
        total = self.alpha + torch.linalg.vector_norm(away, dim=-1)
        pull = self.beta / total
        log_det = (x.shape[-1] - 1) * torch.log1p(pull) + torch.log1p(pull * self.alpha / total)
        return x + pull[..., None] * away, log_det
