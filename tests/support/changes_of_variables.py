"""What a map does to volumes, found without its own log-determinant."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def log_det(f: Map, z: Tensor) -> Tensor:
    """log |det df/dz| of a map of points `(K, B, L)`, shape `(K, B)`, by autograd.

    Fails where the image of one point depends on another point.
    """
    points, length = z.shape[:-1].numel(), z.shape[-1]
    jacobian = torch.autograd.functional.jacobian(f, z)
    jacobian = jacobian.reshape(points, length, points, length).transpose(1, 2)
    other = ~torch.eye(points, dtype=torch.bool)
    assert (jacobian[other] == 0).all(), "a point's image depends on another point"
    return torch.linalg.slogdet(jacobian[~other]).logabsdet.reshape(z.shape[:-1])


def mass_by_areas(f: Map, log_q: Callable[[Tensor], Tensor], reach: float = 7.0, cells: int = 250) -> Tensor:
    """The integral of q over the image of a square grid, the areas of its cells measured by their corners.

    Its error falls with the square of the cells' size, so two sizes give the limit.

    Arguments:
        f: A map of points `(N, 2)`.
        log_q: log q at the image of points `(N, 2)`, shape `(N,)`.
        reach: The grid covers [-reach, reach] twice.
        cells: How many the coarse grid has on a side; the fine one has twice as many.

    Returns:
        The integral. Fails where a cell is turned over: there the map is folded.
    """
    coarse, fine = (_mass(f, log_q, reach, n) for n in (cells, 2 * cells))
    return (4 * fine - coarse) / 3


def _mass(f: Map, log_q: Callable[[Tensor], Tensor], reach: float, cells: int) -> Tensor:
    ticks = torch.linspace(-reach, reach, cells + 1)
    corners = torch.cartesian_prod(ticks, ticks)
    x, y = f(corners).reshape(cells + 1, cells + 1, 2).unbind(-1)
    across = x[1:, 1:] - x[:-1, :-1], y[1:, 1:] - y[:-1, :-1]
    back = x[:-1, 1:] - x[1:, :-1], y[:-1, 1:] - y[1:, :-1]
    areas = 0.5 * (across[0] * back[1] - across[1] * back[0])
    assert (areas > 0).all(), "the map is folded"
    middles = torch.cartesian_prod(ticks[:-1], ticks[:-1]) + reach / cells
    return (areas.flatten() * log_q(middles).exp()).sum()


def mass_on_grid(log_q: Callable[[Tensor], Tensor], reach: float, cells: int) -> Tensor:
    """The integral of q over a square by the midpoint rule; log q of points `(N, 2)` has shape `(N,)`."""
    ticks = torch.linspace(-reach, reach, cells + 1)[:-1] + reach / cells
    return log_q(torch.cartesian_prod(ticks, ticks)).exp().sum() * (2 * reach / cells) ** 2
