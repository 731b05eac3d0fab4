"""Counts given their total."""

from __future__ import annotations

__all__ = ["Multinomial"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.inversion import poisson_from
from lvm_experiments.distributions.log_poisson import log_poisson
from lvm_experiments.distributions.observation import Observation


class Multinomial(Observation):
    r"""A bag of words given how many there are, $N = \sum_d x_d$.

    $$ \log p(x \mid N, \ell) = \log N! - \sum_d \log x_d! + \sum_d x_d \log \mathrm{softmax}(\ell)_d $$

    The density says nothing of N. For draws it is Poisson distributed, which makes the cells independent, of rate
    $\bar{N} \cdot \mathrm{softmax}(\ell)_d$; mean and variance are those of such draws. Given N the cells are
    coupled, so that none may be missing: N would not be known.

    Arguments:
        logits: $\ell$, shape `(K, B, *shape)`.
        total: $\bar{N}$, the mean total of draws.

    Example:
        >>> p = Multinomial(torch.zeros(1, 1, 2), torch.tensor(3.0))
        >>> p.log_prob(torch.tensor([[1.0, 2.0]])).exp()
        tensor([[0.3750]])

    References:
        | Neural variational inference for text processing (Miao, Yu & Blunsom, 2016)
        | https://arxiv.org/abs/1511.06038
    """

    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, logits: Tensor, total: Tensor) -> None:
        self.logits, self.total = logits, total
        super().__init__(logits)

    @property
    def log_share(self) -> Tensor:
        """log softmax over all cells, shape `(K, B, *shape)`."""
        return torch.log_softmax(self.logits.flatten(2), -1).reshape(self.logits.shape)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        """Of Poisson counts whose total has the mean N; `log_prob` takes them given their total, which keeps digits."""
        x = x.to(self.logits.dtype)
        return log_poisson(x, self.log_share + self._number(x).log())

    def _number(self, x: Tensor) -> Tensor:
        """N, or 1 where nothing was counted; of as many axes as x."""
        return x.sum(tuple(range(-len(self.event_shape), 0)), keepdim=True).clamp_min(1)

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Nats per example, given its total; shape `(K, B)`.

        Raises:
            ValueError: Where cells are missing: the total is not known then.
        """
        self._takes_whole_examples(mask)
        x = value.to(self.logits.dtype)
        total = x.flatten(-len(self.event_shape)).sum(-1)
        return self.cell_log_prob(x).flatten(2).sum(-1) - log_poisson(total, total.clamp_min(1).log())

    @property
    def mean(self) -> Tensor:
        return self.total * self.log_share.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return poisson_from(self._noise(sample_shape, self.logits), self.mean)
