"""The modified Bessel function of the first kind, as distributions on spheres want it."""

from __future__ import annotations

__all__ = ["log_mean_exp_on_sphere", "mean_resultant_length"]

import math
from fractions import Fraction

import torch
from torch import Tensor

_NEAR = 35.0  # up to here by the series, from here on by the expansion: both are good to 1e-12 there
_SERIES = 60
_ORDERS = 10


def log_mean_exp_on_sphere(concentration: Tensor, dimensions: int) -> Tensor:
    r"""$g_m(\kappa) = \log \mathrm{E}[e^{\kappa z_1}]$ for a point z drawn uniformly from the sphere in m dimensions.

    $$ g_m(\kappa) = \log \frac{\Gamma(\nu + 1) I_\nu(\kappa)}{(\kappa / 2)^\nu}, \qquad \nu = \frac{m}{2} - 1 $$

    It is 0 at 0, where $I_\nu$ is 0 and for m in the hundreds below what a number can hold. Small $\kappa$ go by the
    power series, large ones by Debye's expansion, which holds uniformly in $\nu$. Derivatives are by autograd.

    Arguments:
        concentration: $\kappa \ge 0$, of any shape; float64, unless six digits will do.
        dimensions: m, at least 2.

    Example:
        >>> k = torch.tensor(2.0, dtype=torch.float64)
        >>> bool(torch.isclose(log_mean_exp_on_sphere(k, 3), (torch.sinh(k) / k).log()))
        True

    References:
        | NIST digital library of mathematical functions, 10.25.2 and 10.41.3
        | https://dlmf.nist.gov/10.41
    """
    near = concentration <= _NEAR
    order = dimensions / 2 - 1
    # Each branch gets values it can bear, so that no gradient of the other one is NaN.
    small = torch.where(near, concentration, torch.ones_like(concentration))
    large = torch.where(near, torch.full_like(concentration, _NEAR), concentration)
    return torch.where(near, _by_series(small, order), _by_expansion(large, order))


def mean_resultant_length(concentration: Tensor, dimensions: int) -> Tensor:
    r"""$A_m(\kappa) = I_{m/2}(\kappa) / I_{m/2-1}(\kappa)$, the derivative of $g_m$.

    The mean of a von Mises-Fisher distribution has this length.

    Arguments:
        concentration: $\kappa \ge 0$, of any shape.
        dimensions: m, at least 2.

    Example:
        >>> k = torch.tensor(2.0, dtype=torch.float64)
        >>> bool(torch.isclose(mean_resultant_length(k, 3), 1 / torch.tanh(k) - 1 / k))
        True
    """
    return concentration * mean_resultant_slope(concentration, dimensions)


def mean_resultant_slope(concentration: Tensor, dimensions: int) -> Tensor:
    r"""$A_m(\kappa) / \kappa$, which is 1 / m at 0."""
    above = log_mean_exp_on_sphere(concentration, dimensions + 2)
    return torch.exp(above - log_mean_exp_on_sphere(concentration, dimensions)) / dimensions


def _by_series(k: Tensor, order: float) -> Tensor:
    j = torch.arange(1, _SERIES + 1, dtype=k.dtype, device=k.device)
    return torch.log1p(((k**2 / 4)[..., None] / (j * (j + order))).cumprod(-1).sum(-1))


def _by_expansion(k: Tensor, order: float) -> Tensor:
    s = torch.sqrt(k**2 + order**2)
    # sqrt(k^2 + nu^2) is differentiable here, since k is not small.
    squared, rest = (order / s) ** 2, torch.zeros_like(s)
    for coefficients in reversed(_DEBYE):
        inner = torch.zeros_like(s)
        for c in reversed(coefficients):
            inner = inner * squared + c
        rest = (rest + inner) / s
    peak = s + order * torch.log(2 / (order + s)) - 0.5 * torch.log(2 * math.pi * s)
    return peak + math.lgamma(order + 1) + torch.log1p(rest)


def _debye(orders: int) -> list[list[float]]:
    r"""Coefficients of $u_k(t) / t^k$ in powers of $t^2$, for k = 1, 2, ...

    With $t = \nu / s$, $u_k(t) / \nu^k = (u_k(t) / t^k) / s^k$, which has no 0 / 0 at $\nu = 0$.
    """
    found, last = [], [Fraction(1)]
    for k in range(orders):
        following = [Fraction(0)] * (len(last) + 1)
        for j, c in enumerate(last):
            n = k + 2 * j
            following[j] += c * (Fraction(n, 2) + Fraction(1, 8 * (n + 1)))
            following[j + 1] -= c * (Fraction(n, 2) + Fraction(5, 8 * (n + 3)))
        found.append([float(c) for c in following])
        last = following
    return found


_DEBYE = _debye(_ORDERS)
