"""Draws of discrete distributions by inverting their distribution functions: one uniform number for each.

Samplers that reject take as many random numbers as they happen to need, which no noise that belongs to an
example can serve.
"""

from __future__ import annotations

__all__ = ["beta_from", "gamma_from", "levels_from", "poisson_from"]

from collections.abc import Callable

import numpy as np
import torch
from scipy import special
from torch import Tensor

_EXACT = 1e9  # a rate beyond which the expansion is left as it is: it is off by less than float32 can tell


def beta_from(u: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Draws of a beta distribution, in float64 on the processor.

    Arguments:
        u: Uniform on [0, 1).
        alpha: The first shape parameter, broadcasting against it.
        beta: The second, likewise.
    """
    return torch.from_numpy(special.betaincinv(_plain(alpha), _plain(beta), _plain(u))).to(u)


def levels_from(u: Tensor, log_mass: Callable[[Tensor], Tensor], levels: int) -> Tensor:
    """Draws from {0, .., levels - 1}, a level at a time: memory for one number a cell.

    Arguments:
        u: Uniform on [0, 1).
        log_mass: log p of levels, which broadcast against the cells.
        levels: How many there are.
    """
    x, below = torch.zeros_like(u), torch.zeros_like(u)
    for level in range(levels - 1):
        below = below + log_mass(u.new_full((), level)).exp()
        x += u >= below
    return x


def poisson_from(u: Tensor, rate: Tensor) -> Tensor:
    """Draws of a Poisson distribution, in float64 on the processor.

    Arguments:
        u: Uniform on [0, 1).
        rate: Of shape broadcasting against it.

    Example:
        >>> poisson_from(torch.tensor([0.1, 0.5, 0.99]), torch.tensor(3.0))
        tensor([1., 3., 8.])
    """
    p, mean = np.broadcast_arrays(_middle(u), _plain(rate))
    z = special.ndtri(p)
    # Cornish and Fisher's expansion, which is a few steps off at most; scipy's inverse takes a hundred times as long.
    x = np.maximum(np.rint(mean + np.sqrt(mean) * z + (z**2 - 1) / 6), 0)
    moving = np.flatnonzero(mean < _EXACT)
    x, p, mean = x.ravel(), p.ravel(), mean.ravel()
    while len(moving):
        k, q, m = x[moving], p[moving], mean[moving]
        step = np.where(special.pdtr(k, m) <= q, 1, 0) - np.where((k > 0) & (special.pdtr(k - 1, m) > q), 1, 0)
        x[moving] += step
        moving = moving[step != 0]
    return torch.from_numpy(x.reshape(np.broadcast_shapes(u.shape, rate.shape))).to(u)


def gamma_from(u: Tensor, shape: Tensor) -> Tensor:
    """Draws of a gamma distribution of rate 1, in float64 on the processor.

    Arguments:
        u: Uniform on [0, 1).
        shape: Its shape parameter, broadcasting against it.
    """
    return torch.from_numpy(special.gammaincinv(_plain(shape), _middle(u))).to(u)


def _plain(x: Tensor) -> np.ndarray:
    return x.detach().cpu().double().numpy()


def _middle(u: Tensor) -> np.ndarray:
    """The middle of what a uniform number of so many bits stands for: 0 would be the quantile of nothing."""
    return np.minimum(_plain(u) + torch.finfo(u.dtype).eps / 4, 1 - 2.0**-53)
