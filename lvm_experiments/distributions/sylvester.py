"""The Sylvester transformation."""

from __future__ import annotations

__all__ = ["SylvesterTransform"]

import torch
from torch import Tensor
from torch.distributions import Transform, constraints

# How close the product of two diagonal elements may come to -1, where the determinant is 0.
_MARGIN = 1e-6


class SylvesterTransform(Transform):
    r"""$f(z) = z + Q R \tanh(\tilde R Q^\top z + b)$, Q with orthonormal columns, R and $\tilde R$ upper triangular.

    $$ \log |\det \partial f / \partial z| = \sum_m \log \left( 1 + (1 - t_m^2) \, r_{mm} \tilde r_{mm} \right) , \quad
       t = \tanh(\tilde R Q^\top z + b) $$

    It is invertible because the diagonals of R and $\tilde R$, which are tanh of what is given, have products above
    -1. The inverse has no closed form.

    Arguments:
        basis: Q, shape `(*batch, L, M)`.
        outer: R with the diagonal as it is before tanh, shape `(*batch, M, M)`; what is below it is not used.
        inner: $\tilde R$, likewise.
        b: Shape `(*batch, M)`.

    Example:
        >>> f = SylvesterTransform(torch.eye(3, 2), torch.zeros(5, 2, 2), torch.ones(5, 2, 2), torch.zeros(5, 2))
        >>> z = torch.randn(4, 5, 3)
        >>> y, log_det = f.call_and_ladj(z)
        >>> torch.equal(y, z), log_det.shape
        (True, torch.Size([4, 5]))

    References:
        | Sylvester normalizing flows for variational inference (van den Berg et al., 2018)
        | https://arxiv.org/abs/1803.05649
    """

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True

    def __init__(self, basis: Tensor, outer: Tensor, inner: Tensor, b: Tensor) -> None:
        super().__init__()
        self.basis, self.b = basis, b
        self.outer, outer_diagonal = _bounded(outer)
        self.inner, inner_diagonal = _bounded(inner)
        self.product = outer_diagonal * inner_diagonal  # (*batch, M)

    def _call(self, x: Tensor) -> Tensor:
        return self.call_and_ladj(x)[0]

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError("a Sylvester transformation has no inverse in closed form")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.call_and_ladj(x)[1]

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(z), shape `(*sample, *batch, L)`, and its log-determinant, shape `(*sample, *batch)`."""
        along = self.inner @ (self.basis.mT @ x[..., None])
        t = torch.tanh(along[..., 0] + self.b)
        y = x + (self.basis @ (self.outer @ t[..., None]))[..., 0]
        return y, torch.log1p((1 - t**2) * self.product).sum(-1)


def _bounded(raw: Tensor) -> tuple[Tensor, Tensor]:
    """The upper triangle with tanh of its diagonal, and that diagonal."""
    diagonal = (1 - _MARGIN) * torch.tanh(torch.diagonal(raw, dim1=-2, dim2=-1))
    return torch.triu(raw, 1) + torch.diag_embed(diagonal), diagonal
