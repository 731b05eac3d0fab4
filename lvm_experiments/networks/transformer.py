"""A transformer that encodes sequences."""

from __future__ import annotations

__all__ = ["TransformerEncoder"]

import math

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Encoder
from lvm_experiments.networks.sequence import SequenceInput
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class TransformerEncoder(Encoder):
    r"""Layers of self-attention over tokens or a series; the features are what they make of a step put in front.

    Steps are told apart by $\sin(t / 10000^{2i / F})$ and the cosine beside it, added to their vectors. No step
    attends to one beyond a sequence's end, and the one in front, which is learned, is always there, so that an empty
    sequence has features, too. There is no dropout: objectives that ask for q(z|x) twice need the same one.

    Arguments:
        spec: What is known of the data.
        width: The size F of all vectors, an even multiple of `heads`; that of the features.
        layers: How many there are, normalised before attention and before the two linear layers of size 4 F.
        heads: Of attention.

    Raises:
        ValueError: For sizes that do not divide.
        RequestError: Where the data are no sequences.

    Example:
        >>> encoder = TransformerEncoder(DataSpec("tokens", (6,), levels=20), width=8, layers=1, heads=2)
        >>> x = torch.zeros(5, 6)
        >>> encoder(x, Batch(x, lengths=torch.tensor([1, 2, 3, 4, 6]))).shape
        torch.Size([5, 8])

    References:
        | Attention is all you need (Vaswani et al., 2017)
        | https://arxiv.org/abs/1706.03762
        | BERT: pre-training of deep bidirectional transformers for language understanding (Devlin et al., 2018)
        | https://arxiv.org/abs/1810.04805
    """

    sequential = True
    positions: Tensor

    def __init__(self, spec: DataSpec, width: PositiveInt, layers: PositiveInt, heads: PositiveInt = 4) -> None:
        super().__init__()
        if width % heads or width % 2:
            raise ValueError(f"the size of a vector is an even multiple of the {heads} heads, not {width}")
        self.features = width
        self.steps = SequenceInput(spec, width)
        self.front = nn.Parameter(torch.randn(width) / math.sqrt(width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.register_buffer("positions", _positions(spec.shape[0], width), persistent=False)

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        steps, lengths = self.steps(x, batch)
        steps = torch.cat([self.front.expand(len(steps), 1, -1), steps + self.positions], 1)
        beyond = torch.arange(steps.shape[1], device=steps.device) > lengths[:, None]
        return self.layers(steps, src_key_padding_mask=beyond)[:, 0]


def _positions(steps: int, width: int) -> Tensor:
    """Sines and cosines of falling frequency, shape `(T, F)`."""
    frequency = torch.exp(-math.log(10_000) * torch.arange(0, width, 2) / width)
    angle = torch.arange(steps)[:, None] * frequency
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
