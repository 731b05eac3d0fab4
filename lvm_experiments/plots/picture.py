"""A grid of images, whatever they are of."""

from __future__ import annotations

__all__ = ["picture"]

from matplotlib.figure import Figure
from torch import Tensor

from lvm_experiments.plots.illustration import PICTURES
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.style import styled
from lvm_experiments.plots.tiles import can_be_looked_at, columns_for, pixels, tile, zoom_for
from lvm_experiments.spec import DataSpec


def picture(x: Tensor, spec: DataSpec, title: str, subtitle: str = "") -> Figure | None:
    """The first `PICTURES` of x in a grid; None where x are no images.

    Arguments:
        x: Values in the data's own space, shape `(N, *shape)`.
        spec: The data's own space.
        title: In a large type.
        subtitle: Below it.

    Example:
        >>> x = torch.zeros(5, 1, 8, 8)
        >>> type(picture(x, DataSpec("binary", (1, 8, 8), levels=2), "Samples")).__name__
        'Figure'
    """
    if not can_be_looked_at(spec):
        return None
    x = x[:PICTURES].cpu()
    columns = columns_for(spec, min(len(x), 8))
    with styled():
        return page([Panel(tile(pixels(x, spec, x), columns, zoom_for(spec)))], title, subtitle)
