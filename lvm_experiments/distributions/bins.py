"""The mass that a density on the real line gives to the bin of a level."""

from __future__ import annotations

__all__ = ["log_logistic_bin", "log_normal_bin"]

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.special import erfc, erfcx


def log_logistic_bin(x: Tensor, loc: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    r"""log P(x) of a logistic density over equal bins of [-1, 1], the outer two open.

    With the standardised edges a and b of a bin

    $$ \log(\sigma(b) - \sigma(a)) = \log \sigma(b) + \log \sigma(-a) + \log(1 - e^{a - b}) , $$

    which never subtracts two probabilities; the lowest level keeps $\log \sigma(b)$, the highest $\log \sigma(-a)$.

    Arguments:
        x: Levels 0 .. `levels` - 1.
        loc: The location on the scale where the levels span [-1, 1].
        log_scale: The logarithm of the scale.
        levels: The number of levels.

    Returns:
        By broadcasting.

    Example:
        >>> log_logistic_bin(torch.arange(4.0), torch.zeros(()), torch.zeros(()), 4).exp().sum().round(decimals=5)
        tensor(1.)
    """
    below, above = _edges(x.to(loc.dtype), loc, log_scale, levels)
    log_width = math.log(2 / levels) - log_scale
    width = torch.exp(log_width)
    # From the edges as they were rounded, which neighbours share: then the masses of narrow densities sum to 1 in
    # float32, too. Where a far location leaves the edges no digits, the width itself.
    seen = torch.minimum(torch.maximum(above - below, 0.5 * width), 2 * width)
    left = torch.where(x == levels - 1, torch.zeros_like(above), logsigmoid(above))
    right = torch.where(x == 0, torch.zeros_like(above), logsigmoid(-below))
    end = (x == 0) | (x == levels - 1)
    return left + right + torch.where(end, torch.zeros_like(above), _log_share(log_width, seen))


def log_normal_bin(x: Tensor, loc: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    r"""log P(x) of a normal density over equal bins of [-1, 1], the outer two open.

    A bin with standardised middle m and half-width h has

    $$ \log(\Phi(b) - \Phi(a)) = \log \Phi(b) + \log \left( 1 - e^{\log \Phi(a) - \log \Phi(b)} \right) $$

    on the side where both are small, and where h and mh are below 0.1, so that the two cancel,

    $$ \log 2 h \varphi(m) + \log \left( 1 + \tfrac{h^2}{6} He_2(m) + \tfrac{h^4}{120} He_4(m)
       + \tfrac{h^6}{5040} He_6(m) \right) $$

    with Hermite's polynomials.

    Arguments:
        x: Levels 0 .. `levels` - 1.
        loc: The location on the scale where the levels span [-1, 1].
        log_scale: The logarithm of the deviation.
        levels: The number of levels.

    Returns:
        By broadcasting.

    Example:
        >>> log_normal_bin(torch.arange(4.0), torch.zeros(()), torch.zeros(()), 4).exp().sum().round(decimals=5)
        tensor(1.)
    """
    below, above = _edges(x.to(loc.dtype), loc, log_scale, levels)
    left, right = _log_normal_cdf(above), _log_normal_cdf(-below)
    inside = _log_normal_between(below, above, left, right, math.log(1 / levels) - log_scale)
    return torch.where(x == 0, left, torch.where(x == levels - 1, right, inside))


def _edges(x: Tensor, loc: Tensor, log_scale: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Both standardised edges; the upper one of a level is to the bit the lower one of the next."""
    rate = torch.exp(-log_scale)
    return ((2 * x / levels - 1) - loc) * rate, ((2 * (x + 1) / levels - 1) - loc) * rate


def _log_normal_between(below: Tensor, above: Tensor, left: Tensor, right: Tensor, log_half: Tensor) -> Tensor:
    """log(Phi(above) - Phi(below)), where `left` and `right` are log Phi(above) and log Phi(-below)."""
    middle = (below + above) / 2
    half = torch.exp(log_half).expand_as(middle)
    near = half * middle.abs().clamp_min(1) < 0.1
    # On the side where log Phi is small; the lower edge is the farther one then.
    mirrored = middle > 0
    upper = torch.where(mirrored, right, left)
    lower = _log_normal_cdf(torch.where(near, -torch.ones_like(below), torch.where(mirrored, -above, below)))
    # The slope of log Phi is at least -x, which bounds the fall from one edge to the other, and says what it is
    # where rounding leaves nothing of it.
    fall = torch.minimum(lower - upper, -2 * half * middle.abs())
    far = upper + torch.log(-torch.expm1(torch.where(near, -torch.ones_like(fall), fall)))
    h2 = torch.where(near, half, torch.zeros_like(half)) ** 2
    m = torch.where(near, middle, torch.zeros_like(middle))
    s2 = h2 * m**2
    second = (s2 - h2) / 6
    fourth = (s2**2 - 6 * s2 * h2 + 3 * h2**2) / 120
    sixth = (s2**3 - 15 * s2**2 * h2 + 45 * s2 * h2**2 - 15 * h2**3) / 5040
    series = -0.5 * m**2 + log_half + 0.5 * math.log(2 / math.pi) + torch.log1p(second + fourth + sixth)
    return torch.where(near, series, far)


def _log_normal_cdf(x: Tensor) -> Tensor:
    """log Phi(x), whose slope torch's own function loses below -40 or so: in float32 it is 0.4 at -54,000."""
    low = x < -1
    z = torch.where(low, x, -torch.ones_like(x)) * -math.sqrt(0.5)
    tail = torch.log(0.5 * erfcx(z)) - z**2
    return torch.where(low, tail, torch.log1p(-0.5 * erfc(torch.where(low, torch.zeros_like(x), x) * math.sqrt(0.5))))


def _log_share(log_x: Tensor, x: Tensor) -> Tensor:
    """log(1 - exp(-x)) from log x or x, whichever loses no digits (Maechler, 2012), however small x is."""
    small = log_x < math.log(math.log(2))
    zero = torch.zeros_like(log_x)
    # A wide density gives a bin next to nothing: x may underflow, its logarithm does not. Nor may its square, which
    # the gradient divides by.
    near_x = torch.where(small, log_x, zero).exp().clamp_min(torch.finfo(log_x.dtype).eps ** 2)
    near = torch.where(small, log_x, zero) + torch.log(-torch.expm1(-near_x) / near_x)
    far = torch.log1p(-torch.exp(-torch.where(small, torch.ones_like(x), x)))
    return torch.where(small, near, far)
