"""Sequences as encoders take them in: a vector for each step, and which steps there are."""

from __future__ import annotations

__all__ = ["SequenceInput"]

import torch
from torch import Tensor, nn

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.options import options_where
from lvm_experiments.spec import DataSpec


class SequenceInput(nn.Module):
    """Tokens by an embedding of their own, series of shape `(T, D)` by a linear layer.

    A step that was not observed has an embedding of its own among tokens; of a series' cells the layer is told which
    were observed. What stands in their place changes no bit of what comes out, nor does anything beyond the length.

    Arguments:
        spec: What is known of the data.
        width: The length of a step's vector.

    Raises:
        RequestError: Where the data are no sequences.

    Example:
        >>> steps = SequenceInput(DataSpec("tokens", (4,), levels=9), width=3)
        >>> x = torch.tensor([[1.0, 8.0, 0.0, 0.0]])
        >>> vectors, lengths = steps(x, Batch(x, lengths=torch.tensor([2])))
        >>> vectors.shape, lengths
        (torch.Size([1, 4, 3]), tensor([2]))
    """

    def __init__(self, spec: DataSpec, width: int) -> None:
        super().__init__()
        self.tokens = spec.levels if spec.space == "tokens" else 0
        self.layer: nn.Embedding | nn.Linear
        if self.tokens:
            # One more, for a token that nobody has seen.
            self.layer = nn.Embedding(self.tokens + 1, width)
            return
        if len(spec.shape) != 2 or spec.space == "tokens":
            can = options_where("model/encoder", lambda kind: not kind.sequential)
            raise RequestError(
                f"an encoder of sequences takes tokens, or series of shape (T, D), and the data are {spec.space} of"
                f" shape {spec.shape}",
                where="model.encoder",
                hint=f"choose model/encoder={'|'.join(can)}",
            )
        self.layer = nn.Linear(2 * spec.shape[1], width)

    def forward(self, x: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Vectors of the steps `(B, T, width)` and how many there are of each sequence, shape `(B,)`."""
        observed = batch.observed
        lengths = batch.lengths
        if lengths is None:
            lengths = torch.full((len(x),), x.shape[1], device=x.device)
        if self.tokens:
            x = x.long() if observed is None else torch.where(observed, x, self.tokens).long()
            return self.layer(x), lengths
        seen = torch.ones_like(x) if observed is None else observed.to(x).expand_as(x)
        return self.layer(torch.cat([torch.where(seen > 0, x, x.new_zeros(())), seen], -1)), lengths
