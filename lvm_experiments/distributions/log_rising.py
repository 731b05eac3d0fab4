"""Ratios of gamma functions that keep their digits."""

from __future__ import annotations

__all__ = ["log_rising"]

import torch
from torch import Tensor

_FAR = 8.0  # from here on Stirling's series is exact to 1e-14


def log_rising(a: Tensor, n: Tensor) -> Tensor:
    r"""$\log \Gamma(a + n) - \log \Gamma(a)$, the logarithm of the rising factorial $a (a + 1) \cdots (a + n - 1)$.

    Where $a$ is large the two terms are, too, and in float32 their difference would have no digits left. With
    Stirling's series, $\log \Gamma(y) = (y - 1/2) \log y - y + \log \sqrt{2 \pi} + s(y)$, it is

    $$ (a - 1/2) \log(1 + n / a) + n \log(a + n) - n + s(a + n) - s(a) . $$

    Arguments:
        a: Positive numbers.
        n: Non-negative numbers, broadcasting against them.

    Example:
        >>> log_rising(torch.tensor(3.0), torch.tensor(2.0)).exp()
        tensor(12.)

    References:
        | Handbook of Mathematical Functions (Abramowitz & Stegun, 1964), 6.1.41
    """
    a, n = torch.broadcast_tensors(a, n)
    far = a > _FAR
    small = torch.where(far, torch.ones_like(a), a)
    direct = torch.lgamma(small + n) - torch.lgamma(small)
    large = torch.where(far, a, torch.full_like(a, _FAR))
    series = (large - 0.5) * torch.log1p(n / large) + n * torch.log(large + n) - n
    return torch.where(far, series + _remainder(large + n) - _remainder(large), direct)


def _remainder(y: Tensor) -> Tensor:
    r = 1 / (y * y)
    return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / y
