"""Test images beside what the model makes of them, one by one: the rows of a dashboard's table."""

from __future__ import annotations

__all__ = ["ExamplePairs", "example_pairs"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.tiles import pixels

_ROWS = 32


@dataclass(frozen=True, eq=False)
class ExamplePairs:
    """Images, their reconstructions and numbers of each.

    Arguments:
        index: The examples' numbers in the data, shape `(N,)`.
        images: Shape `(N, H, W, 3)`, uint8.
        means: E[x|z] at the z that stands for the posterior, of the same shape.
        nll: Minus log evidence of each in nats, shape `(N,)`; NaN where it was not measured.
    """

    index: np.ndarray
    images: np.ndarray
    means: np.ndarray
    nll: np.ndarray


def example_pairs(context: Illustration, measured: Mapping[str, np.ndarray], rows: int = _ROWS) -> ExamplePairs | None:
    """The first examples of the split: the same for every run on the same data.

    Arguments:
        context: What to draw from.
        measured: Numbers of single examples, as in examples.npz: `test/index` and what was measured of those.
        rows: At most so many.

    Returns:
        None for data that are no images.
    """
    if not context.is_image:
        return None
    spec, count, split = context.source, min(rows, len(context.raw)), context.split
    means = context.reconstructed[:count]
    mask = None if context.examples.mask is None else context.examples.mask[:count].cpu()
    stored = context.examples.index
    index = np.arange(count) if stored is None else stored[:count].cpu().numpy()
    nll = np.full(count, np.nan)
    if f"{split}/log_evidence" in measured:
        values = dict(zip(measured[f"{split}/index"].tolist(), measured[f"{split}/log_evidence"], strict=True))
        nll[:] = [-values.get(one, np.nan) for one in index.tolist()]
    images = pixels(context.raw[:count], spec, context.raw, mask)
    return ExamplePairs(index, images, pixels(means, spec, context.raw), nll)
