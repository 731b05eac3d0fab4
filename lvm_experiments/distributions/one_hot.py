"""A category, one-hot."""

from __future__ import annotations

__all__ = ["OneHot", "RelaxedOneHot", "StraightThroughOneHot"]

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints, register_kl
from torch.types import _size


class OneHot(Distribution):
    r"""One of C categories as a unit vector, or several of them independently.

    $$ \log p(z) = \sum_l \sum_c z_{lc} \log \pi_{lc} $$

    Draws are made by Gumbel's trick, one number for each category, so that keyed noise has a form for them.

    Arguments:
        logits: Unnormalised $\log \pi$, shape `(*batch, *event)`; the last axis runs over categories.
        event_dim: How many axes an event has: 1, or 2 for several categories.

    Attributes:
        representative: The most probable category, one-hot.

    Example:
        >>> p = OneHot(torch.tensor([0.0, 0.0]))
        >>> round(p.log_prob(torch.tensor([0.0, 1.0])).item(), 4)
        -0.6931
    """

    arg_constraints: dict = {}  # noqa: RUF012 - torch.distributions declares it so
    support = constraints.one_hot
    has_rsample = False

    def __init__(self, logits: Tensor, event_dim: int = 1) -> None:
        self.logits = logits.log_softmax(-1)
        split = logits.ndim - event_dim
        super().__init__(logits.shape[:split], logits.shape[split:], validate_args=False)

    def expand(self, batch_shape: _size, _instance: object = None) -> OneHot:
        return type(self)(self.logits.expand(*batch_shape, *self.event_shape), len(self.event_shape))

    def log_prob_per_dimension(self, value: Tensor) -> Tensor:
        """log p of each category on its own, shape `(*sample, *batch, L)`."""
        each = self._cells(value)
        return each if len(self.event_shape) > 1 else each[..., None]

    def log_prob(self, value: Tensor) -> Tensor:
        each = self._cells(value)
        return each.sum(-1) if len(self.event_shape) > 1 else each

    def _cells(self, value: Tensor) -> Tensor:
        # An impossible category that was not drawn counts for nothing, and not for -inf times 0. The possible ones do,
        # drawn or not: through z, straight-through gradients are those of all of them.
        possible = self.logits > -torch.inf
        each = (value * torch.where(possible, self.logits, torch.zeros_like(self.logits))).sum(-1)
        return torch.where(((value != 0) & ~possible).any(-1), -torch.inf, each)

    @property
    def probs(self) -> Tensor:
        return self.logits.exp()

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    @property
    def representative(self) -> Tensor:
        return _unit(self.logits)

    def entropy(self) -> Tensor:
        terms = torch.where(self.logits > -torch.inf, self.probs * self.logits, torch.zeros_like(self.logits))
        return -terms.flatten(terms.ndim - len(self.event_shape)).sum(-1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            return _unit(self.logits + self.gumbel(sample_shape))

    def gumbel(self, sample_shape: _size) -> Tensor:
        """Standard Gumbel noise, shape `(*sample_shape, *batch, *event)`."""
        shape = torch.Size(sample_shape) + self.logits.shape
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        return -torch.log(-torch.log(u.clamp(torch.finfo(u.dtype).tiny, 1 - torch.finfo(u.dtype).eps / 2)))


class RelaxedOneHot(OneHot):
    r"""Categories whose training draws are points of the simplex, through which gradients pass.

    $$ z = \mathrm{softmax}((\log \pi + g) / \tau), \quad g \sim \mathrm{Gumbel}(0, 1) $$

    All else is the discrete distribution's: `sample` draws categories and `log_prob` scores them, so that evaluation
    is exact and a relaxed draw is no value that log p could be asked for.

    Arguments:
        logits: Unnormalised $\log \pi$, shape `(*batch, *event)`.
        event_dim: How many axes an event has.
        temperature: $\tau$; towards 0 draws come near the corners, and gradients vary more.

    Example:
        >>> RelaxedOneHot(torch.zeros(3), temperature=0.5).rsample().sum().round().item()
        1.0

    References:
        | Categorical reparameterization with Gumbel-Softmax (Jang, Gu & Poole, 2016), https://arxiv.org/abs/1611.01144
        | The concrete distribution (Maddison, Mnih & Teh, 2016), https://arxiv.org/abs/1611.00712
    """

    has_rsample = True

    def __init__(self, logits: Tensor, event_dim: int = 1, temperature: float = 0.5) -> None:
        super().__init__(logits, event_dim)
        self.temperature = temperature

    def expand(self, batch_shape: _size, _instance: object = None) -> RelaxedOneHot:
        return type(self)(self.logits.expand(*batch_shape, *self.event_shape), len(self.event_shape), self.temperature)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return ((self.logits + self.gumbel(sample_shape)) / self.temperature).softmax(-1)


class StraightThroughOneHot(RelaxedOneHot):
    """Categories whose training draws are categories, with the gradient of the relaxed ones: a biased one.

    Arguments:
        logits: Unnormalised log probabilities, shape `(*batch, *event)`.
        event_dim: How many axes an event has.
        temperature: Of the relaxation that the gradient is of.

    Example:
        >>> StraightThroughOneHot(torch.zeros(3), temperature=0.5).rsample().max().item()
        1.0

    References:
        | Estimating or propagating gradients through stochastic neurons (Bengio, Leonard & Courville, 2013)
        | https://arxiv.org/abs/1308.3432
    """

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:
        soft = super().rsample(sample_shape)
        # In this order the sum is 0 or 1 to the last bit.
        return _unit(soft.detach()) + (soft - soft.detach())


def _unit(score: Tensor) -> Tensor:
    """The unit vector of the largest entry."""
    return torch.zeros_like(score).scatter_(-1, score.argmax(-1, keepdim=True), 1.0)


@register_kl(OneHot, OneHot)
def _kl(q: OneHot, p: OneHot) -> Tensor:
    terms = torch.where(q.logits > -torch.inf, q.probs * (q.logits - p.logits), torch.zeros_like(q.logits))
    return terms.flatten(terms.ndim - len(q.event_shape)).sum(-1)
