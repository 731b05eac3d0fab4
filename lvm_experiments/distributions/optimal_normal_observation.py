"""Independent normal cells whose one variance is the best for what is observed."""

from __future__ import annotations

__all__ = ["OptimalNormalObservation"]

from collections.abc import Callable

import torch
from torch import Tensor

from lvm_experiments.distributions.normal_observation import NormalObservation


class OptimalNormalObservation(NormalObservation):
    r"""Normal cells scored with the variance that scores them best, a device for training.

    $$ \sigma^{2*} = \operatorname{argmax}_{\sigma^2} \log \mathcal{N}(x; \mu, \sigma^2 I)
       = \frac{1}{N} \sum_{i = 1}^N (x_i - \mu_i)^2 $$

    over all N observed cells of all draws and examples, so what an example scores depends on the others: a value of
    `log_prob` is a loss, no density. $\sigma^{2*}$ carries no gradient: it is an optimum, so the derivative of the
    sum over examples by it is 0.

    Arguments:
        loc: $\mu$, shape `(K, B, *shape)`.
        log_scale: $\log \sigma$ for draws.
        variance_of: From the squared residuals, 0 where nothing was observed, and the number N to $\sigma^2$.

    Example:
        >>> p = OptimalNormalObservation(torch.zeros(1, 2, 1), torch.zeros(()), lambda squares, n: squares.sum() / n)
        >>> p.log_prob(torch.tensor([[1.0], [-3.0]])).mean().round(decimals=4)
        tensor(-2.2237)

    References:
        | Simple and effective VAE training with calibrated decoders (Rybkin, Daniilidis & Levine, 2021)
        | https://arxiv.org/abs/2006.13202
    """

    def __init__(self, loc: Tensor, log_scale: Tensor, variance_of: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__(loc, log_scale)
        self.variance_of = variance_of

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Nats per example at the best variance, shape `(K, B)`."""
        with torch.no_grad():
            observed = torch.ones_like(value, dtype=torch.bool) if mask is None else mask.expand_as(value)
            residual = torch.where(observed, value, value.new_zeros(())) - self.loc
            squares = torch.where(observed, residual**2, residual.new_zeros(()))
            log_scale = 0.5 * torch.log(self.variance_of(squares, observed.expand_as(squares).sum()))
        return NormalObservation(self.loc, log_scale).log_prob(value, mask)
