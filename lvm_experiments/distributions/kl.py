"""KL divergences that have a closed form."""

from __future__ import annotations

__all__ = ["analytic_kl"]

from torch import Tensor
from torch.distributions import Distribution, kl_divergence


def analytic_kl(q: Distribution, p: Distribution) -> Tensor | None:
    """KL(q || p) in nats where torch's registry knows the pair, else None.

    Register a new pair with `torch.distributions.register_kl` beside the distribution that needs it.

    Returns:
        Shape of the joint batch shape, `(B,)` or `(K, B)`.
    """
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return None
