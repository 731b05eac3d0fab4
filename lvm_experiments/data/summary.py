"""Mean and standard deviation of each cell of the training data."""

from __future__ import annotations

__all__ = ["STREAMED_EXAMPLES", "summary"]

import torch
from torch import Tensor

from lvm_experiments.data.split import Split
from lvm_experiments.data.streamed_split import StreamedSplit

STREAMED_EXAMPLES = 2000
"""How many examples of a streamed split, evenly spaced over it, its summary is computed from."""


def summary(split: Split | StreamedSplit, *, chunk: int | None = None) -> tuple[Tensor, Tensor]:
    r"""The mean and the standard deviation of each cell, over the examples where it was observed.

    Chunks are merged by their mean and sum of squared deviations, in float64: with $\delta$ the
    difference of two means, $M = M_a + M_b + \delta^2 n_a n_b / (n_a + n_b)$.

    Arguments:
        split: The training examples; of a streamed split at most `STREAMED_EXAMPLES` are read.
        chunk: How many examples are converted to float64 at a time; None for 1,000, or as many as have ten million
            cells.

    Returns:
        Mean and (population) standard deviation in x's own units, float32, shape `(*shape)`. A
        cell never observed has mean 0 and deviation 0.

    Example:
        >>> mean, std = summary(Split(torch.tensor([[1, 5], [3, 5]], dtype=torch.uint8)))
        >>> mean.tolist(), std.tolist()
        ([2.0, 5.0], [1.0, 0.0])

    References:
        Updating Formulae and a Pairwise Algorithm for Computing Sample Variances
        (Chan, Golub, LeVeque, 1979)
    """
    rows = torch.arange(len(split))
    if isinstance(split, StreamedSplit) and len(split) > STREAMED_EXAMPLES:
        rows = torch.linspace(0, len(split) - 1, STREAMED_EXAMPLES, dtype=torch.float64).long()
    if chunk is None:
        cells = split.x[0].numel() if isinstance(split, Split) and len(split) else 1
        chunk = max(1, min(1000, 10_000_000 // max(1, cells)))
    count = mean = deviations = torch.zeros(())
    for piece in rows.split(chunk):
        batch = split.take(piece)
        assert batch.x is not None
        x = batch.x.double()
        seen = torch.ones_like(x) if batch.mask is None else batch.mask.expand_as(x).double()
        x = torch.where(seen > 0, x, 0.0)
        n = seen.sum(0)
        centre = x.sum(0) / n.clamp(min=1)
        spread = (seen * (x - centre).square()).sum(0)
        total = (count + n).clamp(min=1)
        delta = centre - mean
        mean = mean + delta * n / total
        deviations = deviations + spread + delta.square() * count * n / total
        count = count + n
    return mean.float(), (deviations / count.clamp(min=1)).sqrt().float()
