"""A mixture of M distributions of one family."""

from __future__ import annotations

__all__ = ["Mixture"]

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint
from torch.types import _size
from torch.utils.checkpoint import checkpoint

from lvm_experiments.distributions.diagonal_normal import DiagonalNormal

_CELLS = 2**24  # of what is held at once while N values meet M components


class Mixture(Distribution):
    r"""$p(z) = \sum_{m=1}^M w_m p_m(z)$, of batch shape `()`.

    The components are made when they are first asked for: those of a VampPrior cost a pass of the encoder, which
    encoding or decoding does not need. A density is taken over as many values at a time as fit; gradients are
    recomputed piece by piece then. Normal components meet the values in matrix products, in float64 since products
    cancel: 50 times faster than cell by cell for M = 500 and L = 40.

    Arguments:
        log_weights: log w up to a constant, shape `(M,)`.
        event_shape: The shape of one z.
        components: Makes the M of them, a distribution of batch shape `(M,)`.
        draw: Draws from the components with the given numbers, `(*shape)` to `(*shape, *event)`; normal ones need
            none.
        held: About how many numbers are held while one value meets one component; None: as many as a value has.

    Example:
        >>> normals = DiagonalNormal(torch.tensor([[-2.0], [2.0]]), torch.zeros(2, 1))
        >>> p = Mixture(torch.zeros(2), (1,), lambda: normals)
        >>> p.sample((3, 5)).shape, p.log_prob(torch.zeros(3, 5, 1)).shape
        (torch.Size([3, 5, 1]), torch.Size([3, 5]))
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    has_rsample = False

    def __init__(
        self,
        log_weights: Tensor,
        event_shape: tuple[int, ...],
        components: Callable[[], Distribution],
        draw: Callable[[Tensor], Tensor] | None = None,
        held: int | None = None,
    ) -> None:
        self._held = math.prod(event_shape) if held is None else held
        self.log_weights = log_weights.log_softmax(-1)
        self._make, self._draw = components, draw
        # With and without a graph apart: a draw must not decide whether a density has gradients.
        self._made: dict[bool, Distribution] = {}
        super().__init__(torch.Size(), torch.Size(event_shape), validate_args=False)

    @property
    def components(self) -> Distribution:
        """All M of them."""
        graph = torch.is_grad_enabled()
        if graph not in self._made:
            self._made[graph] = self._make()
        return self._made[graph]

    @property
    def support(self) -> Constraint | None:
        return self.components.support

    @property
    def mean(self) -> Tensor:
        return self._average(self.components.mean)

    @property
    def variance(self) -> Tensor:
        mean = self.components.mean
        return self._average(self.components.variance + (mean - self._average(mean)) ** 2)

    def _average(self, of_each: Tensor) -> Tensor:
        return torch.tensordot(self.log_weights.exp(), of_each, 1)

    def log_prob(self, value: Tensor) -> Tensor:
        components = self.components
        # Not its subclasses, whose density may be another; and mps has no float64.
        normals = components if type(components) is DiagonalNormal and value.device.type != "mps" else None
        values = value.reshape(-1, *self.event_shape)
        cells = len(self.log_weights) * (1 if normals is not None else self._held)
        pieces = values.split(max(1, _CELLS // cells))

        def log_p(z: Tensor) -> Tensor:
            of_each = _normals_at(normals, z) if normals is not None else components.log_prob(z.unsqueeze(1))  # (N, M)
            return (of_each + self.log_weights).logsumexp(-1).to(value.dtype)

        if len(pieces) > 1 and torch.is_grad_enabled():
            found = [checkpoint(log_p, z, use_reentrant=False, preserve_rng_state=False) for z in pieces]
        else:
            found = [log_p(z) for z in pieces]
        return torch.cat(found).reshape(value.shape[: value.dim() - len(self.event_shape)])

    @torch.no_grad()
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        index = self.sample_components(sample_shape)
        if type(components := self.components) is DiagonalNormal:
            return DiagonalNormal(components.loc[index], components.log_scale[index]).sample()
        if self._draw is None:
            raise NotImplementedError(f"a mixture of {type(components).__name__} has to be told how to draw")
        return self._draw(index)

    @torch.no_grad()
    def sample_components(self, sample_shape: _size = torch.Size()) -> Tensor:
        """Numbers of components, drawn with the mixture's weights; shape `sample_shape`."""
        # By one uniform number each, which has a keyed form where a multinomial draw has none.
        dtype = torch.float32 if self.log_weights.device.type == "mps" else torch.float64
        below = self.log_weights.to(dtype).exp().cumsum(-1)
        u = torch.rand(tuple(sample_shape), dtype=dtype, device=below.device) * below[-1]
        return torch.searchsorted(below, u, right=True).clamp(max=len(below) - 1)


def _normals_at(components: DiagonalNormal, z: Tensor) -> Tensor:
    r"""The log density of N values under each of M components, shape `(N, M)`.

    By $(z - \mu)^2 / \sigma^2 = z^2 / \sigma^2 - 2 z \mu / \sigma^2 + \mu^2 / \sigma^2$, in float64.
    """
    z, loc, log_scale = z.double(), components.loc.double(), components.log_scale.double()
    precision = torch.exp(-2 * log_scale)
    square = (z**2) @ precision.T - 2 * z @ (loc * precision).T + (loc**2 * precision).sum(-1)
    return -0.5 * square - log_scale.sum(-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)
