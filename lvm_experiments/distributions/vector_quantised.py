"""A deterministic choice of codes."""

from __future__ import annotations

__all__ = ["VectorQuantised"]

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from lvm_experiments.distributions.codes import nearest_code


class VectorQuantised(Distribution):
    r"""All mass on the codes that are nearest to L vectors h.

    $$ q(z) = 1 \text{ for } z_l = e_{k(l)}, \qquad k(l) = \arg\min_k |h_l - e_k| $$

    A differentiable draw is that value, whose gradient is handed on to h as it is (straight through).

    Arguments:
        encoded: h, shape `(*batch, L, D)`.
        codebook: The C code vectors, shape `(C, D)`.

    Attributes:
        losses: What training has to minimise besides, by name, shape `(B,)` each; empty unless set.
        indices: The codes' numbers k, shape `(*batch, L)`.
        representative: z.

    Example:
        >>> q = VectorQuantised(torch.tensor([[[0.9, 0.2]]], requires_grad=True), torch.eye(2))
        >>> z = q.rsample()
        >>> z.tolist(), torch.autograd.grad(z.sum(), q.encoded)[0].tolist()
        ([[[1.0, 0.0]]], [[[1.0, 1.0]]])

    References:
        | Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        | https://arxiv.org/abs/1711.00937
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = constraints.independent(constraints.real, 2)
    has_rsample = True

    def __init__(self, encoded: Tensor, codebook: Tensor) -> None:
        self.encoded, self.codebook = encoded, codebook
        self.indices = nearest_code(encoded, codebook)
        # The values as they are now: a codebook that is updated in place must not change them.
        self.representative = codebook.detach()[self.indices]
        self.losses: dict[str, Tensor] = {}
        super().__init__(encoded.shape[:-2], encoded.shape[-2:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.representative

    @property
    def variance(self) -> Tensor:
        return torch.zeros_like(self.representative)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.representative.expand(torch.Size(sample_shape) + self.representative.shape)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        # In this order the value is the code's to the last bit.
        z = self.representative + (self.encoded - self.encoded.detach())
        return z.expand(torch.Size(sample_shape) + z.shape)

    def log_prob(self, value: Tensor) -> Tensor:
        same = (value == self.representative).flatten(-2).all(-1)
        return torch.where(same, 0.0, -torch.inf).to(value.dtype)

    def entropy(self) -> Tensor:
        return self.encoded.new_zeros(self.batch_shape)
