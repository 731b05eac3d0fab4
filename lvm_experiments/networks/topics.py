"""Decoder of topic models."""

from __future__ import annotations

__all__ = ["TopicDecoder"]

from math import prod

import torch
from torch import Tensor, nn

from lvm_experiments.networks.base import Decoder
from lvm_experiments.types import OutputBias, PositiveInt


class TopicDecoder(Decoder):
    r"""$\theta W + b$ for shares of topics $\theta = \mathrm{softmax}(z)$: a row of W is a topic.

    With a likelihood that takes logits of words, as the multinomial does, this is a product of experts. With
    `mixture` it returns $\log(\theta \, \mathrm{softmax}(W + b))$, the words of a mixture of topics, as in latent
    Dirichlet allocation.

    Arguments:
        inputs: The length of what is decoded, the number of topics.
        shape: The shape of the likelihood's parameters.
        mixture: Whether topics are mixed, each a distribution of its own; else their logits are.
        bias: b to begin with: `data_mean` takes the raw parameters of the data's mean, where the likelihood knows
            them; else 0.

    Example:
        >>> decoder = TopicDecoder(3, (1, 5), mixture=True)
        >>> words = decoder(torch.randn(2, 4, 3)).exp()
        >>> words.shape, bool(torch.allclose(words.sum(-1), torch.ones(2, 4, 1)))
        (torch.Size([2, 4, 1, 5]), True)

    References:
        | Autoencoding variational inference for topic models (Srivastava & Sutton, 2017)
        | https://arxiv.org/abs/1703.01488
    """

    def __init__(
        self,
        inputs: PositiveInt,
        shape: tuple[int, ...],
        *,
        mixture: bool = False,
        bias: OutputBias = "default",
    ) -> None:
        super().__init__()
        self.shape, self.mixture, self.bias = shape, mixture, bias
        self.topics = nn.Parameter(torch.empty(inputs, prod(shape)))
        self.background = nn.Parameter(torch.zeros(prod(shape)))
        nn.init.xavier_normal_(self.topics)

    @torch.no_grad()
    def start_at(self, raw: Tensor) -> None:
        if self.bias == "data_mean":
            self.background.copy_(raw.flatten())

    def forward(self, z: Tensor) -> Tensor:
        shares = z.softmax(-1)
        if self.mixture:
            words = (self.topics + self.background).softmax(-1)
            return (shares @ words).clamp_min(torch.finfo(words.dtype).tiny).log().unflatten(-1, self.shape)
        return (shares @ self.topics + self.background).unflatten(-1, self.shape)
