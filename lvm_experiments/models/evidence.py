"""What is known of log p(x) after estimating it."""

from __future__ import annotations

__all__ = ["Evidence"]

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Evidence:
    """log p(x) of B examples, with the error of its estimator.

    Arguments:
        log_p: Nats per example, shape `(B,)`, float64.
        standard_error: Of the estimator, in nats, shape `(B,)`; 0 where log_p is exact.
        effective_samples: (sum w)^2 / sum w^2 of the K importance weights, shape `(B,)`; infinite where log_p is exact.
        estimator: How it was found.
        num_samples: K.
    """

    log_p: Tensor
    standard_error: Tensor
    effective_samples: Tensor
    estimator: str
    num_samples: int

    @classmethod
    def from_log_weights(cls, log_weight: Tensor) -> Evidence:
        r"""Importance sampling: $\log \hat p(x) = \log \frac{1}{K} \sum_k w_k$, a lower bound in expectation.

        Arguments:
            log_weight: log p(x, z) - log q(z|x), shape `(K, B)`.

        References:
            | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015)
            | https://arxiv.org/abs/1509.00519
        """
        log_weight = log_weight.double()
        samples = len(log_weight)
        total = torch.logsumexp(log_weight, 0)
        effective = torch.exp(2 * total - torch.logsumexp(2 * log_weight, 0))
        # The relative variance of the mean weight, (K sum w^2 / (sum w)^2 - 1) / (K - 1), is that of the log to
        # first order.
        relative = (
            (samples / effective - 1).clamp_min(0) / (samples - 1) if samples > 1 else torch.full_like(total, torch.nan)
        )
        return cls(
            total - math.log(samples), relative.sqrt(), effective, f"importance sampling, K = {samples}", samples
        )

    @classmethod
    def exact(cls, log_p: Tensor) -> Evidence:
        """A closed form, with nothing to be uncertain of."""
        none, all_of_them = torch.zeros_like(log_p), torch.full_like(log_p, torch.inf)
        return cls(log_p.double(), none.double(), all_of_them.double(), "exact", 0)
