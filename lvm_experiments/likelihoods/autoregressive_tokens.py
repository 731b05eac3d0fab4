"""The autoregressive likelihood of sequences of tokens."""

from __future__ import annotations

__all__ = ["AutoregressiveTokensLikelihood"]

from torch import Tensor, nn

from lvm_experiments.distributions import TokenSequence
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.networks.recurrent_tokens import RecurrentTokens
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt, Probability, RecurrentCell


class AutoregressiveTokensLikelihood(Likelihood):
    r"""$p(x|z) = \prod_t p(x_t \mid x_{<t}, c(z))$, a recurrent language model that is told c(z) by the decoder.

    The context c sets the first state and is fed at every step; `log_prob` shows the network the tokens there are
    (teacher forcing), a draw shows it its own, one step after the other. A sequence is over after the token that ends
    it (`DataSpec.end`), where the data have one; steps beyond `Batch.lengths` are left out. Steps are missing at
    the end only: a token that nobody has seen would have to be summed over, and with it all that follow. What
    `reconstruct` gives is the most probable token step by step, since a mean of tokens is none.

    Word dropout hides tokens from the network that guesses the next, in training only: what it cannot see it has to
    take from z. A vector of its own stands for a hidden token, where Bowman et al. take that of unknown words.

    A step of training holds the logits, `B x T x V` numbers and as many for their gradient; evaluation never does.

    Arguments:
        spec: What is known of the data; its `levels` are the vocabulary's size V.
        context: The length n of c, which the decoder gives.
        hidden: The size of the network's state.
        embedding: The length of a token's vector.
        cell: `lstm` or `gru`.
        word_dropout: How probable it is that a token is hidden, in training.

    Raises:
        ValueError: Without a vocabulary, or for other data than sequences.

    Example:
        >>> spec = DataSpec("tokens", (3,), levels=4, words=("<eos>", "a", "rose", "is"))
        >>> likelihood = AutoregressiveTokensLikelihood(spec, context=2, hidden=8, embedding=4)
        >>> p = likelihood(torch.zeros(1, 2, 2))
        >>> p.log_prob(torch.tensor([[1.0, 2.0, 0.0], [2.0, 0.0, 3.0]])).shape, p.sample().shape
        (torch.Size([1, 2]), torch.Size([1, 2, 3]))

    References:
        | Generating sentences from a continuous space (Bowman et al., 2016)
        | https://arxiv.org/abs/1511.06349
    """

    space = "tokens"
    mask = "steps"
    has_moments = False

    def __init__(
        self,
        spec: DataSpec,
        context: PositiveInt,
        hidden: PositiveInt,
        embedding: PositiveInt,
        cell: RecurrentCell = "lstm",
        word_dropout: Probability = 0.25,
    ) -> None:
        super().__init__(spec)
        if spec.levels < 2 or len(spec.shape) != 1:
            raise ValueError(
                f"sequences have shape (T,) and at least 2 tokens, the data have shape {spec.shape} and {spec.levels}"
            )
        self.word_dropout = word_dropout
        self.parameter_shape = (context,)
        self.network = RecurrentTokens(spec.levels, context, cell, hidden, embedding)
        self.output = nn.Linear(hidden, spec.levels)

    def forward(self, raw: Tensor) -> TokenSequence:
        dropout = self.word_dropout if self.training else 0.0
        return TokenSequence(raw, self.network, self.output, self.spec.shape[0], self.spec.end, dropout)

    def check(self, x: Tensor, mask: Tensor | None = None) -> None:
        if mask is not None and bool((mask[..., 1:] & ~mask[..., :-1]).any()):
            raise ValueError(f"{type(self).__name__} takes sequences whose last steps are missing, not others")
        super().check(x, mask)
