"""Recurrent encoders of sequences."""

from __future__ import annotations

__all__ = ["GRUEncoder", "LSTMEncoder"]

from typing import ClassVar

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.networks.base import Encoder
from lvm_experiments.networks.sequence import SequenceInput
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class _RecurrentEncoder(Encoder):
    """Reads the steps one by one; its state after the last one is the features.

    Backwards it reads from a sequence's own last step, wherever that is. Of a sequence without any step nothing is
    known: its features are 0.

    Arguments:
        spec: What is known of the data.
        hidden: The size of the state.
        embedding: The length of a step's vector.
        bidirectional: Whether a second one of its kind reads backwards; the features are both states.
    """

    sequential = True
    cell: ClassVar[type[nn.GRU | nn.LSTM]]

    def __init__(
        self, spec: DataSpec, hidden: PositiveInt, embedding: PositiveInt, *, bidirectional: bool = False
    ) -> None:
        super().__init__()
        self.steps = SequenceInput(spec, embedding)
        self.features = hidden * (1 + bidirectional)
        self.forwards = self.cell(embedding, hidden, batch_first=True)
        self.backwards = self.cell(embedding, hidden, batch_first=True) if bidirectional else None

    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        steps, lengths = self.steps(x, batch)
        states = [_last(self.forwards(steps)[0], lengths)]
        if self.backwards is not None:
            # Turned round within its own length, so that padding stays behind.
            order = torch.arange(steps.shape[1], device=steps.device)
            turned = (lengths[:, None] - 1 - order).clamp_min(0)
            steps = steps.gather(1, turned[..., None].expand_as(steps))
            states.append(_last(self.backwards(steps)[0], lengths))
        return torch.cat(states, -1)


def _last(states: Tensor, lengths: Tensor) -> Tensor:
    """The state after the last step, `(B, T, H)` to `(B, H)`."""
    last = (lengths - 1).clamp_min(0)[:, None, None].expand(-1, 1, states.shape[-1])
    found = states.gather(1, last).squeeze(1)
    return torch.where(lengths[:, None] > 0, found, found.new_zeros(()))


class GRUEncoder(_RecurrentEncoder):
    """Gated recurrent units over tokens or a series; the features are the state after the last step.

    A sequence ends where `Batch.lengths` says; what stands beyond changes no bit of the features.

    Arguments:
        spec: What is known of the data.
        hidden: The size of the state.
        embedding: The length of a step's vector.
        bidirectional: Whether a second one reads backwards; the features are both states.

    Raises:
        RequestError: Where the data are no sequences.

    Example:
        >>> encoder = GRUEncoder(DataSpec("tokens", (6,), levels=20), hidden=8, embedding=4, bidirectional=True)
        >>> x = torch.zeros(5, 6)
        >>> encoder(x, Batch(x, lengths=torch.tensor([1, 2, 3, 4, 6]))).shape
        torch.Size([5, 16])

    References:
        | Learning phrase representations using RNN encoder-decoder for statistical machine translation
        (Cho et al., 2014)
        | https://arxiv.org/abs/1406.1078
    """

    cell = nn.GRU


class LSTMEncoder(_RecurrentEncoder):
    """Long short-term memory over tokens or a series; the features are the state h after the last step.

    A sequence ends where `Batch.lengths` says; what stands beyond changes no bit of the features.

    Arguments:
        spec: What is known of the data.
        hidden: The size of the state.
        embedding: The length of a step's vector.
        bidirectional: Whether a second one reads backwards; the features are both states.

    Raises:
        RequestError: Where the data are no sequences.

    Example:
        >>> encoder = LSTMEncoder(DataSpec("real", (6, 3)), hidden=8, embedding=4)
        >>> x = torch.randn(5, 6, 3)
        >>> encoder(x, Batch(x)).shape
        torch.Size([5, 8])

    References:
        | Long short-term memory (Hochreiter & Schmidhuber, 1997)
        | https://doi.org/10.1162/neco.1997.9.8.1735
    """

    cell = nn.LSTM
