"""How far two sets of draws are apart, by a kernel."""

from __future__ import annotations

__all__ = ["SCALES", "mmd", "multiscale"]

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from lvm_experiments.types import MmdKernel

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the Wasserstein autoencoder's published code


def multiscale(kind: MmdKernel, scales: Sequence[float], dims: int) -> Callable[[Tensor], Tensor]:
    r"""A kernel of squared distances $d^2$, summed over scales s with $C_s = 2 L s$.

    $$ k_{rbf} = \sum_s \exp(-d^2 / C_s), \qquad k_{imq} = \sum_s \frac{C_s}{C_s + d^2} $$

    2L is the mean squared distance of two draws of a standard normal.

    Arguments:
        kind: `rbf` or `imq` (inverse multiquadratic, with heavier tails).
        scales: The scales s.
        dims: L.

    Example:
        >>> multiscale("imq", [0.5, 1.0], dims=2)(torch.tensor([0.0, 4.0])).tolist()
        [2.0, 0.833333]
    """
    return partial(_KERNELS[kind], [2 * dims * s for s in scales])


def _rbf(widths: Sequence[float], square: Tensor) -> Tensor:
    return torch.stack([torch.exp(-square / c) for c in widths]).sum(0)


def _imq(widths: Sequence[float], square: Tensor) -> Tensor:
    return torch.stack([c / (c + square) for c in widths]).sum(0)


_KERNELS = {"rbf": _rbf, "imq": _imq}


def mmd(x: Tensor, y: Tensor, kernel: Callable[[Tensor], Tensor]) -> Tensor:
    r"""The squared maximum mean discrepancy, shape `()`, unbiased: 0 in expectation where x and y are drawn alike.

    $$ \frac{1}{B (B - 1)} \sum_{i \ne j} \left( k(x_i, x_j) + k(y_i, y_j) \right)
    - \frac{2}{B^2} \sum_{i, j} k(x_i, y_j) $$

    A single draw has no others to be compared with, and gives 0.

    Arguments:
        x: Draws, shape `(K, B, L)`; the K sets are compared one by one, and averaged.
        y: Draws of the other distribution, likewise.
        kernel: Of squared distances.

    References:
        | A kernel two-sample test (Gretton et al., 2012), lemma 6
        | https://jmlr.org/papers/v13/gretton12a.html
    """
    B = x.shape[1]
    if B == 1:
        return x.new_zeros(())
    others = 1 - torch.eye(B, dtype=x.dtype, device=x.device)
    within = ((kernel(_squares(x, x)) + kernel(_squares(y, y))) * others).sum((1, 2)) / (B * (B - 1))
    return (within - 2 * kernel(_squares(x, y)).mean((1, 2))).mean()


def _squares(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances, shape `(K, B, B)`."""
    products = x @ y.mT
    return ((x**2).sum(-1)[:, :, None] + (y**2).sum(-1)[:, None, :] - 2 * products).clamp_min(0)
