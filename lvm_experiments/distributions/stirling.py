"""What Stirling's formula leaves of the logarithm of the gamma function."""

from __future__ import annotations

__all__ = ["stirling_rest"]

import math

import torch
from torch import Tensor

_FAR = 8.0  # from here on the series is used; its first omitted term is below 1e-12


def stirling_rest(a: Tensor) -> Tensor:
    r"""$c(a) = \log \Gamma(a) - (a - \frac{1}{2}) \log a + a - \frac{1}{2} \log 2 \pi$, about $1 / (12 a)$.

    Densities are ratios of gamma functions, whose logarithms are large and cancel. Written with c, what is large
    cancels on paper.

    Arguments:
        a: Positive numbers.

    Example:
        >>> stirling_rest(torch.tensor([1.0, 100.0]))
        tensor([0.0811, 0.0008])

    References:
        | Handbook of Mathematical Functions (Abramowitz & Stegun, 1964), 6.1.41
    """
    small, r = a.clamp_max(_FAR), 1 / a.clamp_min(_FAR)
    exact = torch.lgamma(small) - (small - 0.5) * torch.log(small) + small - 0.5 * math.log(2 * math.pi)
    r2 = r * r
    series = r * (1 / 12 - r2 * (1 / 360 - r2 * (1 / 1260 - r2 * (1 / 1680 - r2 / 1188))))
    return torch.where(a > _FAR, series, exact)
