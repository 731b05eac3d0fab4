"""Distributions over sequences of code vectors."""

from __future__ import annotations

__all__ = ["AutoregressiveCodes", "Codes", "UniformCodes", "nearest_code"]

import math
from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.types import _size

from lvm_experiments.distributions.one_hot import OneHot

_EXACT = "donot_use_mm_for_euclid_dist"


class Codes(Distribution):
    """Masses of sequences of L codes, of batch shape `()`.

    A value is the code vectors themselves, shape `(*, L, D)`, as the decoder sees them; it is read as the nearest
    codes, which for a value that was drawn are the ones it is.

    Arguments:
        codebook: The C code vectors, shape `(C, D)`.
        length: L.
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = torch.distributions.constraints.independent(torch.distributions.constraints.real, 2)
    has_rsample = False

    def __init__(self, codebook: Tensor, length: int) -> None:
        self.codebook = codebook
        super().__init__(torch.Size(), torch.Size((length, codebook.shape[-1])), validate_args=False)

    @abstractmethod
    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        """log p of each code, given those before it where they tell something; shape `(*, L)`."""

    @abstractmethod
    def sample_indices(self, sample_shape: _size = torch.Size()) -> Tensor:
        """Draws of the codes' numbers, shape `(*sample_shape, L)`."""

    def log_prob(self, value: Tensor) -> Tensor:
        return self.log_prob_per_dimension(value).sum(-1)

    @torch.no_grad()
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self.codebook[self.sample_indices(sample_shape)]


class UniformCodes(Codes):
    r"""$p(z) = C^{-L}$.

    Arguments:
        codebook: The C code vectors, shape `(C, D)`.
        length: L.

    Example:
        >>> p = UniformCodes(torch.eye(4), length=2)
        >>> round(p.log_prob(p.sample()).exp().item(), 4)
        0.0625
    """

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        return value.new_full(value.shape[:-1], -math.log(len(self.codebook)))

    @torch.no_grad()
    def sample_indices(self, sample_shape: _size = torch.Size()) -> Tensor:
        u = torch.rand((*sample_shape, self.event_shape[0]), dtype=self.codebook.dtype, device=self.codebook.device)
        # The product of a number below 1 may round up to C.
        return (u * len(self.codebook)).long().clamp(max=len(self.codebook) - 1)

    @property
    def mean(self) -> Tensor:
        return self.codebook.mean(0).expand(self.event_shape)

    @property
    def variance(self) -> Tensor:
        return self.codebook.var(0, correction=0).expand(self.event_shape)


class AutoregressiveCodes(Codes):
    r"""$p(z) = \prod_l p(z_l | z_1, \dots, z_{l-1})$.

    Arguments:
        codebook: The C code vectors, shape `(C, D)`.
        length: L.
        first: What stands before the first code, shape `(D,)`.
        network: From vectors `(N, l, D)` and the state that those before them left, None at the start, to the logits
            of the codes that follow each, `(N, l, C)`, and the next state.
        detach: Whether gradients of a density stop at the values before a code.

    Example:
        >>> p = AutoregressiveCodes(torch.eye(4), 2, torch.zeros(4), lambda z, state: (z, None))
        >>> round(p.log_prob(p.sample()).exp().item(), 4) in (0.1189, 0.0437)
        True
    """

    def __init__(
        self,
        codebook: Tensor,
        length: int,
        first: Tensor,
        network: Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor | None]],
        *,
        detach: bool = False,
    ) -> None:
        self.first, self.network, self.detach = first, network, detach
        super().__init__(codebook, length)

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        value, n = value.detach() if self.detach else value, math.prod(value.shape[:-2])
        before = value[..., :-1, :].reshape(n, self.event_shape[0] - 1, self.event_shape[1])
        logits, _ = self.network(torch.cat([self.first.expand(n, 1, -1), before], 1), None)
        index = nearest_code(value, self.codebook)
        return logits.log_softmax(-1).reshape(*index.shape, -1).gather(-1, index[..., None])[..., 0]

    @torch.no_grad()
    def sample_indices(self, sample_shape: _size = torch.Size()) -> Tensor:
        shape = tuple(sample_shape)
        before, state, found = self.first.expand(math.prod(shape), 1, -1), None, []
        for _ in range(self.event_shape[0]):
            logits, state = self.network(before, state)
            chosen = OneHot(logits.reshape(*shape, -1)).sample().argmax(-1)
            found.append(chosen)
            before = self.codebook[chosen.flatten()][:, None]
        return torch.stack(found, -1)


@torch.no_grad()
def nearest_code(vectors: Tensor, codebook: Tensor) -> Tensor:
    """The numbers of the nearest codes, `(*, D)` to `(*)`; the first of several that are as near.

    Example:
        >>> nearest_code(torch.tensor([[0.9, 0.2], [0.1, 0.4]]), torch.eye(2))
        tensor([0, 1])
    """
    # Not by a product of matrices: a code's distance to itself has to be 0.
    apart = torch.cdist(vectors.reshape(1, -1, vectors.shape[-1]), codebook[None], compute_mode=_EXACT)
    return apart[0].argmin(-1).reshape(vectors.shape[:-1])
