"""An encoder of the set of observed cells."""

from __future__ import annotations

__all__ = ["SetEncoder"]

from math import prod, sqrt

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Encoder, activation_layer, refuse_tokens
from lvm_experiments.networks.mlp import mlp_layers
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, PositiveInt


class SetEncoder(Encoder):
    r"""Sums over the observed cells, so that cells are missing without a value to stand for them.

    $$ h(x) = g \Big( \sum_{d \in obs} f(x_d, e_d) \Big) $$

    with $e_d$ learned, which tells cell d from the others, f the same two layers for every cell and g hidden layers:
    the point net of partial VAEs. Any set of cells, in any order, is an input of its own; none is an input as well.
    A category of a table is as many cells as it has values. Sums are scaled by $1 / \sqrt{D}$.

    Arguments:
        spec: What is known of the data.
        hidden: The sizes of the layers after the sum; the last one is the features.
        embedding: The length of $e_d$.
        summands: The length of what is summed.
        activation: After every layer.

    Raises:
        RequestError: For tokens.

    Example:
        >>> encoder = SetEncoder(DataSpec("real", (4,)), hidden=[8])
        >>> x, mask = torch.randn(3, 4), torch.tensor([True, True, False, False])
        >>> h = encoder(x, Batch(x, mask=mask.expand(3, 4)))
        >>> x[:, 3] = 1e6
        >>> torch.equal(h, encoder(x, Batch(x, mask=mask.expand(3, 4))))
        True

    References:
        | EDDI: efficient dynamic discovery of high-value information with partial VAE (Ma et al., 2019)
        | https://arxiv.org/abs/1809.11142
        | PointNet: deep learning on point sets for 3D classification and segmentation (Qi et al., 2017)
        | https://arxiv.org/abs/1612.00593
    """

    def __init__(
        self,
        spec: DataSpec,
        hidden: list[PositiveInt],
        embedding: PositiveInt = 10,
        summands: PositiveInt = 64,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        refuse_tokens(spec, "an encoder of sets")
        cells = prod(spec.embedded_shape)
        self.spec, self.scale = spec, 1 / sqrt(cells)
        self.features = hidden[-1] if hidden else summands
        self.cells = nn.Parameter(torch.randn(cells, embedding))
        # The first layer of f, apart for the value and for the cell: what hangs on the cell alone is computed once.
        self.of_value = nn.Linear(1, summands, bias=False)
        self.of_cell = nn.Linear(embedding, summands)
        self.point = nn.Sequential(activation_layer(activation), *mlp_layers(summands, [summands], activation))
        self.layers = nn.Sequential(*mlp_layers(summands, hidden, activation))

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        seen = None
        if batch.observed is not None:
            seen = self.spec.embedded_mask(batch.observed).expand_as(x).flatten(1)
        x = x.flatten(1)
        if seen is not None:
            x = torch.where(seen, x, x.new_zeros(()))
        points = self.point(self.of_value(x[..., None]) + self.of_cell(self.cells))
        if seen is not None:
            points = torch.where(seen[..., None], points, points.new_zeros(()))
        return self.layers(self.scale * points.sum(1))
