"""What bounds made of importance weights have in common."""

from __future__ import annotations

__all__ = ["log_mean_exp", "still", "weight_terms"]

import math

import torch
from torch import Tensor

from lvm_experiments.models import Draw


def log_mean_exp(log_weight: Tensor, dim: int = 0) -> Tensor:
    """The log of the mean of weights along an axis.

    Arguments:
        log_weight: log p(x, z) - log q(z|x), shape `(K, B)`.
        dim: The axis.

    Example:
        >>> log_mean_exp(torch.tensor([[0.0], [0.0]]))
        tensor([0.])
    """
    return torch.logsumexp(log_weight, dim) - math.log(log_weight.shape[dim])


def weight_terms(log_weight: Tensor, log_lik: Tensor, bound: Tensor | None = None) -> dict[str, Tensor]:
    """What is reported of K weights, detached, shape `(B,)` each.

    Arguments:
        log_weight: log p(x, z) - log q(z|x), shape `(K, B)`.
        log_lik: log p(x|z), shape `(K, B)`.
        bound: The importance weighted bound, shape `(B,)`; None computes that of all K.
    """
    log_weight, distortion = log_weight.detach(), -log_lik.detach().mean(0)
    elbo = log_weight.mean(0)
    bound = log_mean_exp(log_weight) if bound is None else bound.detach()
    return {"iw_elbo": bound, "elbo": elbo, "rate": -elbo - distortion, "distortion": distortion}


def still(draw: Draw) -> dict[str, Tensor]:
    """Its latents, to be scored where they are: no gradient reaches what drew them."""
    return {name: z.detach() for name, z in draw.z.items()}
