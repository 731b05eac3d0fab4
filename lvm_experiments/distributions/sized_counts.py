"""Counts whose total is given, as a factor of their rates."""

from __future__ import annotations

__all__ = ["SizedCounts"]

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.observation import Observation


class SizedCounts(Observation):
    r"""Independent counts of mean $s \cdot \mathrm{softmax}(\ell)_d$, where the size s is x's own total.

    $$ \log p(x \mid z, s) = \sum_d \log p(x_d; \mu_d = s \cdot \mathrm{softmax}(\ell)_d), \qquad s = \sum_d x_d $$

    What the decoder explains is how a total is shared out, not how much was sampled of an example. As s is taken
    from x, this is no density over x: it is the one of cells given s, looked at where s is their total. With
    missing cells, total and shares are those of the observed ones. Draws and means have the size that is given.

    Arguments:
        logits: $\ell$, shape `(K, B, *shape)`.
        cells: Log means `(K, B, *shape)` to independent counts.
        size: s of draws and means.

    Example:
        >>> from lvm_experiments.distributions import Poisson
        >>> p = SizedCounts(torch.zeros(1, 1, 2), Poisson, torch.tensor(10.0))
        >>> p.mean
        tensor([[[5.0000, 5.0000]]])
        >>> torch.allclose(
        ...     p.log_prob(torch.tensor([[1.0, 3.0]])),
        ...     Poisson(torch.tensor([[[2.0, 2.0]]]).log()).log_prob(torch.tensor([[1.0, 3.0]])),
        ... )
        True

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    support = constraints.independent(constraints.nonnegative_integer, 1)

    def __init__(self, logits: Tensor, cells: Callable[[Tensor], Observation], size: Tensor) -> None:
        self.logits, self.cells, self.size = logits, cells, size
        super().__init__(logits)

    def _given(self, x: Tensor, mask: Tensor | None) -> Observation:
        """The cells, given x's total."""
        logits = self.logits
        if mask is not None:
            x = torch.where(mask, x, x.new_zeros(()))
            logits = torch.where(mask, logits, logits.new_tensor(-1e30))
        axes = tuple(range(-len(self.event_shape), 0))
        # An example of which nothing was counted has a size all the same, or its logarithm would be none.
        size = x.to(logits.dtype).sum(axes, keepdim=True).clamp_min(1)
        return self.cells(self.logits - torch.logsumexp(logits, axes, keepdim=True) + size.log())

    def cell_log_prob(self, x: Tensor) -> Tensor:
        return self._given(x, None).cell_log_prob(x)

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        return self._given(value, mask).log_prob(value, mask)

    def _typical(self) -> Observation:
        axes = tuple(range(-len(self.event_shape), 0))
        return self.cells(self.logits - torch.logsumexp(self.logits, axes, keepdim=True) + self.size.log())

    @property
    def mean(self) -> Tensor:
        return self._typical().mean

    @property
    def variance(self) -> Tensor:
        return self._typical().variance

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        return self._typical().sample(sample_shape)
