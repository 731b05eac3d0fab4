"""A recurrent network over the tokens before."""

from __future__ import annotations

__all__ = ["RecurrentTokens", "State"]

import torch
from torch import Tensor, nn

from lvm_experiments.networks.base import Network
from lvm_experiments.types import RecurrentCell

State = Tensor | tuple[Tensor, Tensor]
_CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentTokens(Network):
    """From a context and the tokens before each step to a vector for the step.

    The context sets the state the cell begins with, and is fed to it at every step beside the token.

    Arguments:
        tokens: The number V of tokens. Beside them there are `start`, which comes before the first, and `unknown`,
            which stands for a token that is not shown.
        context: The length n of a context.
        cell: `gru` or `lstm`.
        hidden: The size H of its state.
        embedding: The length of a token's vector.

    Example:
        >>> network = RecurrentTokens(tokens=9, context=2, cell="gru", hidden=4, embedding=3)
        >>> network(torch.zeros(5, 2), torch.full((5, 6), network.start)).shape
        torch.Size([5, 6, 4])
    """

    def __init__(self, tokens: int, context: int, cell: RecurrentCell, hidden: int, embedding: int) -> None:
        super().__init__()
        self.start, self.unknown = tokens, tokens + 1
        self.hidden = hidden
        self.embedding = nn.Embedding(tokens + 2, embedding)
        # An LSTM has two states, a GRU has one.
        self.states = 2 if cell == "lstm" else 1
        self.first = nn.Linear(context, self.states * hidden)
        self.cell = _CELLS[cell](embedding + context, hidden, batch_first=True)

    def forward(self, context: Tensor, previous: Tensor) -> Tensor:
        """A vector for each step.

        Arguments:
            context: Shape `(N, n)`.
            previous: The token before each step, shape `(N, T)`, int64.

        Returns:
            Shape `(N, T, H)`.
        """
        return self.advance(context, previous, self.state(context))[0]

    def state(self, context: Tensor) -> State:
        """The state before the first step."""
        states = self.first(context).unflatten(-1, (self.states, -1)).unbind(-2)
        hidden = torch.tanh(states[0])[None]
        return hidden if self.states == 1 else (hidden, states[1][None].contiguous())

    def advance(self, context: Tensor, previous: Tensor, state: State) -> tuple[Tensor, State]:
        """Goes on from a state: vectors of some steps `(N, T, H)`, and the state after them."""
        fed = context[:, None].expand(-1, previous.shape[1], -1)
        return self.cell(torch.cat([self.embedding(previous), fed], -1), state)
