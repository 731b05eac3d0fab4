"""The planar transformation."""

from __future__ import annotations

__all__ = ["PlanarTransform"]

import math

import torch
from torch import Tensor
from torch.distributions import Transform, constraints
from torch.nn.functional import softplus

# m(0) = 0, so that u = 0 is the identity.
_SHIFT = math.log(math.e - 1)
# How close w'u may come to -1, where the determinant is 0.
_MARGIN = 1e-6


class PlanarTransform(Transform):
    r"""$f(z) = z + \hat u \tanh(w^\top z + b)$, which is invertible because $w^\top \hat u > -1$.

    $$ \hat u = u + \left( m(w^\top u) - w^\top u \right) \frac{w}{|w|^2} , \quad
       m(a) = (1 - 10^{-6}) (\mathrm{softplus}(a + \log(e - 1)) - 1) $$

    $$ \log |\det \partial f / \partial z| = \log \left( 1 + (1 - \tanh^2(w^\top z + b)) \, w^\top \hat u \right) $$

    The paper's m has no $\log(e - 1)$, without which small u and w give a large $\hat u$. The inverse has no closed
    form.

    Arguments:
        u: Shape `(*batch, L)`.
        w: Likewise.
        b: Shape `(*batch,)`.

    Example:
        >>> f = PlanarTransform(torch.zeros(5, 2), torch.ones(5, 2), torch.zeros(5))
        >>> z = torch.randn(3, 5, 2)
        >>> y, log_det = f.call_and_ladj(z)
        >>> torch.equal(y, z), log_det.shape
        (True, torch.Size([3, 5]))

    References:
        | Variational inference with normalizing flows (Rezende & Mohamed, 2015)
        | https://arxiv.org/abs/1505.05770
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, u: Tensor, w: Tensor, b: Tensor) -> None:
        super().__init__()
        product = (w * u).sum(-1, keepdim=True)
        bounded = (1 - _MARGIN) * (softplus(product + _SHIFT) - 1)
        square = (w**2).sum(-1, keepdim=True).clamp_min(torch.finfo(w.dtype).tiny)
        self.u = u + (bounded - product) * w / square
        self.w, self.b = w, b
        self.product = bounded[..., 0]  # w'u, shape (*batch,)

    def _call(self, x: Tensor) -> Tensor:
        return self.call_and_ladj(x)[0]

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError("a planar transformation has no inverse in closed form")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.call_and_ladj(x)[1]

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(z), shape `(*sample, *batch, L)`, and its log-determinant, shape `(*sample, *batch)`."""
        t = torch.tanh((self.w * x).sum(-1) + self.b)
        return x + self.u * t[..., None], torch.log1p((1 - t**2) * self.product)
