"""Sequences of tokens, each given those before it."""

from __future__ import annotations

__all__ = ["TokenSequence"]

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.distributions import constraints
from torch.nn.functional import cross_entropy
from torch.types import _size

from lvm_experiments.distributions.observation import Observation

if TYPE_CHECKING:
    from lvm_experiments.networks.recurrent_tokens import RecurrentTokens

_CELLS = 2**25  # numbers held at a time where no gradient is wanted; 128 MiB in float32


class TokenSequence(Observation):
    r"""$p(x \mid c) = \prod_{t=1}^{L} p(x_t \mid x_{<t}, c)$, the tokens of each step from logits $W h_t + b$.

    h is the recurrent network's, which reads the tokens before. Where there is a token that ends a sequence, what
    follows it is no part of x: it has no density, changes no other, and is that token again in draws. All
    sequences that end, and those of T steps that do not, have mass 1 together. Steps that are left out by a mask
    follow all others, and then the density is the one of what comes before them.

    Where no gradient is wanted, at most 128 MiB of logits and states are held at a time: all at once, 100 draws for
    100 sentences of 80 steps over 10,000 words would be 320 GB in float32.

    Arguments:
        context: c, shape `(K, B, n)`.
        network: Gives h.
        output: W and b.
        steps: T.
        end: The token that ends a sequence; None where all have T steps.
        word_dropout: How probable it is that a token before is not shown, in training.

    Example:
        >>> from lvm_experiments.networks.recurrent_tokens import RecurrentTokens
        >>> network, output = RecurrentTokens(3, 2, "gru", hidden=4, embedding=3), torch.nn.Linear(4, 3)
        >>> p = TokenSequence(torch.zeros(1, 1, 2), network, output, steps=1)
        >>> sum(p.log_prob(torch.full((1, 1), float(v))).exp() for v in range(3)).detach().round(decimals=5)
        tensor([[1.]])

    References:
        | Generating sentences from a continuous space (Bowman et al., 2016)
        | https://arxiv.org/abs/1511.06349
    """

    def __init__(
        self,
        context: Tensor,
        network: RecurrentTokens,
        output: nn.Linear,
        steps: int,
        end: int | None = None,
        word_dropout: float = 0.0,
    ) -> None:
        self.context, self.network, self.output = context, network, output
        self.end, self.word_dropout = end, word_dropout
        # What is left out then follows an end, and costs nothing.
        self.filler = 0.0 if end is None else float(end)
        super().__init__(context[..., :1].expand(*context.shape[:2], steps))

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.output.out_features - 1), 1)

    # ---- the density

    def cell_log_prob(self, x: Tensor) -> Tensor:
        """log p of each step given those before it, 0 after an end, shape `(K, B, T)`."""
        shape = self.batch_shape + self.event_shape
        rows = self.context.flatten(0, 1), x.expand(shape).flatten(0, 1).long()
        if torch.is_grad_enabled():
            return self._score(*rows).reshape(shape)
        # Three gates and more of the cell's size are held for each step.
        width = self.event_shape[0] * (8 * self.network.hidden + self.network.embedding.embedding_dim)
        pieces = zip(*(part.split(max(1, _CELLS // width)) for part in rows), strict=True)
        return torch.cat([self._score(*piece) for piece in pieces]).reshape(shape)

    def _score(self, context: Tensor, x: Tensor) -> Tensor:
        """The log probabilities of N sequences' steps, shape `(N, T)`."""
        counted = torch.ones_like(x, dtype=torch.bool)
        steps = x.shape[1]
        if self.end is not None:
            ends = x == self.end
            counted = (ends.cumsum(1) - ends.long()) == 0
            steps = int(counted.sum(1).max())
        previous = torch.cat([x.new_full((len(x), 1), self.network.start), x[:, : steps - 1]], 1)
        if self.word_dropout:
            hidden = torch.rand(previous.shape, device=x.device) < self.word_dropout
            hidden[:, 0] = False
            previous = previous.masked_fill(hidden, self.network.unknown)
        h = self.network(context, previous)
        scores = self._log_softmax(h[counted[:, :steps]], x[counted])
        return h.new_zeros(x.shape).masked_scatter(counted, scores)

    def _log_softmax(self, h: Tensor, x: Tensor) -> Tensor:
        """log p of the token x `(M,)` of each step, from the network's vector `(M, H)`."""
        if torch.is_grad_enabled():
            return -cross_entropy(self.output(h), x, reduction="none")
        size = max(1, _CELLS // self.output.out_features)
        pieces = zip(h.split(size), x.split(size), strict=True)
        return -torch.cat([cross_entropy(self.output(a), b, reduction="none") for a, b in pieces])

    # ---- step by step

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            u = self._noise(sample_shape, self.context[..., :1].expand(self.batch_shape + self.event_shape))
            context = self.context.expand(*sample_shape, *self.context.shape)
            return self._roll(context, u, _drawn)

    @property
    def mean(self) -> Tensor:
        """No mean, which tokens have none of: the sequence made of the most probable token of each step."""
        with torch.no_grad():
            none = self.context[..., :1].expand(self.batch_shape + self.event_shape)
            return self._roll(self.context, none, lambda logits, u: logits.argmax(-1))

    def _roll(self, context: Tensor, u: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Chooses token after token by the logits and a number of u's, shape `(*, T)`."""
        size = max(1, _CELLS // (4 * self.output.out_features))
        rows = zip(context.flatten(0, -2).split(size), u.flatten(0, -2).split(size), strict=True)
        return torch.cat([self._roll_rows(c, piece, choose) for c, piece in rows]).reshape(u.shape).to(u)

    def _roll_rows(self, context: Tensor, u: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        previous = torch.full((len(u), 1), self.network.start, device=u.device)
        x = torch.full_like(u, self.filler)
        state = self.network.state(context)
        for t in range(u.shape[1]):
            h, state = self.network.advance(context, previous, state)
            chosen = choose(self.output(h[:, 0]), u[:, t])
            if self.end is not None:
                chosen = torch.where(previous[:, 0] == self.end, self.end, chosen)
            x[:, t] = chosen
            previous = chosen[:, None]
            if self.end is not None and bool((chosen == self.end).all()):
                break
        return x


def _drawn(logits: Tensor, u: Tensor) -> Tensor:
    """The token at which the sum of probabilities `(N, V)` passes u `(N,)`."""
    below = torch.softmax(logits, -1).cumsum(-1)
    # The last sum need not be 1 to the bit.
    return torch.searchsorted(below, u[:, None].contiguous(), right=True)[:, 0].clamp_max(logits.shape[-1] - 1)
