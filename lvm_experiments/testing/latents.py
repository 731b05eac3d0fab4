"""The contracts of posteriors and priors."""

from __future__ import annotations

__all__ = ["check_posterior", "check_prior"]

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import (
    STANDARD_ERRORS,
    agrees_with_moments,
    gradients_reach,
    require,
    seeded,
    survives_saving,
)

_DOMAINS = ("real", "one_hot", "sphere", "codes")
_GRADIENTS = ("reparameterised", "straight_through", "score")
_B, _DRAWS = 5, 20_000


def check_posterior(posterior: Callable[[int, int], Posterior], *, features: int = 6, latent_dim: int = 3) -> None:
    """Facts, shapes, moments, density against draws, gradients, saving.

    Arguments:
        posterior: What is called with `(features, latent_dim)` to build it.
        features: The length F of the features to try it with.
        latent_dim: The number L of latent dimensions.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> check_posterior(DiagonalNormalPosterior)
    """
    with seeded():
        part = posterior(features, latent_dim)
        require(isinstance(part, Posterior), "a posterior is a Posterior")
        require(part.domain in _DOMAINS, f"domain is one of {', '.join(_DOMAINS)}")
        require(part.gradient in _GRADIENTS, f"gradient is one of {', '.join(_GRADIENTS)}")
        require(isinstance(part.has_density_at, bool), "has_density_at is stated")
        require(isinstance(part.factorised, bool), "factorised is stated")
        require(isinstance(part.event_shape, tuple), "event_shape is a tuple")
        h = torch.randn(_B, features)
        q = part(h)
        _has_shapes(q, (_B,), part.event_shape)
        _has_shapes(part(torch.randn(2, _B, features)), (2, _B), part.event_shape)
        require(q.mean.shape == (_B, *part.event_shape), "the mean has shape (B, *event)")
        if part.domain == "real":
            agrees_with_moments(q.sample((_DRAWS,)), q.mean, None, "q(z|x)")
        if part.gradient == "reparameterised":
            z = part(h).rsample((4,))
            gradients_reach(part, (z * torch.randn_like(z)).sum(), "rsample")
        if part.has_density_at:
            _has_density(part, h)
        fixed = h.clone()
        survives_saving(lambda: posterior(features, latent_dim), lambda m: m(fixed).sample((2,)))


def check_prior(
    prior: Callable[[tuple[int, ...], DataSpec], Prior],
    event_shape: tuple[int, ...] = (3,),
    spec: DataSpec | None = None,
) -> None:
    """Facts, shapes with and without a condition, density against draws, gradients, saving.

    Arguments:
        prior: What is called with `(event_shape, spec)` to build it.
        event_shape: The shape of z to try it with.
        spec: What is known of the data.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> check_prior(StandardNormalPrior)
    """
    spec = spec or DataSpec("binary", (4,), levels=2)
    with seeded():
        part = prior(event_shape, spec)
        require(isinstance(part, Prior), "a prior is a Prior")
        require(part.domain in (*_DOMAINS, None), f"domain is None or one of {', '.join(_DOMAINS)}")
        p = part()
        _has_shapes(p, (), event_shape)
        require(
            part(torch.randn(_B, 2)).batch_shape in ((), (_B,)),
            "the batch shape of p(z|c) is () or (B,)",
        )
        z = p.sample((7, _B))
        log_p = part().log_prob(z)
        require(log_p.shape == (7, _B), "log_prob of z (K, B, *event) has shape (K, B)")
        require(torch.isfinite(log_p).all(), "log_prob of a draw is finite")
        gradients_reach(part, log_p.sum(), "log_prob")
        if part.domain in ("real", None):
            _draws_from_its_density(p)
        survives_saving(lambda: prior(event_shape, spec), lambda m: m().log_prob(z))


def _has_shapes(p: Distribution, batch_shape: tuple[int, ...], event_shape: tuple[int, ...]) -> None:
    require(p.batch_shape == batch_shape, f"the batch shape is that of the context, {batch_shape}")
    require(p.event_shape == event_shape, "the event shape is event_shape")
    z = p.sample((4,))
    require(z.shape == (4, *batch_shape, *event_shape), "sample axes come first")
    require(not z.requires_grad, "gradients do not pass a draw by sample")
    require(torch.isfinite(z).all(), "draws are finite")


def _has_density(part: Posterior, h: Tensor) -> None:
    q = part(h)
    z = q.sample((4,))
    log_q = q.log_prob(z)
    require(log_q.shape == (4, _B), "log_prob of z (K, B, *event) has shape (K, B)")
    require(torch.isfinite(log_q).all(), "log_prob of a draw is finite")
    alone = part(h[1:2]).log_prob(z[:, 1:2])
    require(torch.allclose(alone, log_q[:, 1:2]), "an example's density does not depend on the others")
    gradients_reach(part, log_q.sum(), "log_prob")
    if part.factorised:
        each = q.log_prob_per_dimension(z)
        require(each.shape[:2] == (4, _B), "log_prob_per_dimension has shape (K, B, L)")
        require(torch.allclose(each.flatten(2).sum(-1), log_q), "its sum over dimensions is log_prob")
    if part.domain == "real":
        _draws_from_its_density(q)


@torch.no_grad()
def _draws_from_its_density(q: Distribution) -> None:
    """E_q[r / q] = 1 for a density r that is narrower: density and sampler agree, the normaliser included."""
    z = q.sample((_DRAWS,))
    scale = 0.7 * z.std(0)
    r = torch.distributions.Normal(z.median(0).values, scale)
    log_r = r.log_prob(z).flatten(1 + len(q.batch_shape)).sum(-1)
    ratio = torch.exp(log_r - q.log_prob(z))
    error = STANDARD_ERRORS * ratio.std(0) / _DRAWS**0.5 + 1e-6
    require(((ratio.mean(0) - 1).abs() <= error).all(), "log_prob is the log density of the draws")
