"""The contracts of posteriors and priors."""

from __future__ import annotations

__all__ = ["check_posterior", "check_prior"]

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.distributions import draw_from
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE
from lvm_experiments.models.parts import class_of
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.noise import keyed_noise
from lvm_experiments.posteriors import DiagonalNormalPosterior, Posterior, VectorQuantisedPosterior
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
    """Facts, shapes, moments, keyed noise, density against draws, gradients, saving.

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
        require(isinstance(part.draws_in_support, bool), "draws_in_support is a fact")
        require(isinstance(part.has_mean, bool), "has_mean is a fact")
        require(isinstance(part.deterministic, bool), "deterministic is a fact")
        require(isinstance(part.event_shape, tuple), "event_shape is a tuple")
        h = torch.randn(_B, features)
        q = part(h)
        _has_shapes(q, (_B,), part.event_shape)
        _has_shapes(part(torch.randn(2, _B, features)), (2, _B), part.event_shape)
        if part.has_mean:
            require(q.mean.shape == (_B, *part.event_shape), "the mean has shape (B, *event)")
        if part.has_mean and part.domain == "real":
            agrees_with_moments(q.sample((_DRAWS,)), q.mean, None, "q(z|x)")
        if part.gradient == "reparameterised":
            z = part(h).rsample((4,))
            gradients_reach(part, (z * torch.randn_like(z)).sum(), "rsample")
        if part.gradient == "straight_through":
            q = part(h)
            z = q.rsample((4,))
            own = sum(loss.sum() for loss in getattr(q, "losses", {}).values())
            gradients_reach(part, (z * torch.randn_like(z)).sum() + own, "rsample and the distribution's own losses")
        for name, loss in getattr(part(h), "losses", {}).items():
            require(loss.shape == (_B,), f"the distribution's own loss {name} has shape (B,)")
        if part.deterministic:
            _is_one_value(part(h))
        _draws_by_example(part, h)
        if hasattr(q, "rsample_and_log_prob"):
            _knows_its_draws(part, part(h))
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
        event_shape: The shape of z to try it with; codes are vectors of 4.
        spec: What is known of the data.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> check_prior(StandardNormalPrior)
    """
    spec = spec or DataSpec("binary", (4,), levels=2)
    if getattr(class_of(prior), "conditional", False) and not spec.condition:
        spec = spec.replace(condition=2)
    if class_of(prior).domain == "codes" and len(event_shape) == 1:
        event_shape = (*event_shape, 4)
    with seeded():
        part = _prior_in(_holder(prior, event_shape, spec))
        require(isinstance(part, Prior), "a prior is a Prior")
        require(part.domain in (*_DOMAINS, None), f"domain is None or one of {', '.join(_DOMAINS)}")
        condition = torch.randn(_B, spec.condition or 2)
        given = condition if part.conditional else None
        p = part(given)
        _has_shapes(p, (_B,) if part.conditional else (), event_shape)
        require(part(condition).batch_shape in ((), (_B,)), "the batch shape of p(z|c) is () or (B,)")
        z = p.sample((7, _B)[: 2 - len(p.batch_shape)])
        log_p = part(given).log_prob(z)
        require(log_p.shape == (7, _B), "log_prob of z (K, B, *event) has shape (K, B)")
        require(torch.isfinite(log_p).all(), "log_prob of a draw is finite")
        gradients_reach(part, log_p.sum(), "log_prob")
        if part.domain in ("real", None):
            _draws_from_its_density(p)
        survives_saving(lambda: _holder(prior, event_shape, spec), lambda m: _prior_in(m)(given).log_prob(z))


def _holder(prior: Callable[..., Prior], event_shape: tuple[int, ...], spec: DataSpec) -> nn.Module:
    """The prior; one that asks for a model is in one, of binary data and with a posterior that it goes with."""
    part = prior(event_shape, spec)
    if type(part).bind is Prior.bind:
        return part
    networks = partial(MLPEncoder, hidden=[4]), partial(MLPDecoder, hidden=[4])
    spec = spec.replace(space="binary", levels=2)
    posterior: Callable[..., Posterior] = DiagonalNormalPosterior
    if part.domain == "codes":
        posterior = partial(VectorQuantisedPosterior, codes=5, code_dim=event_shape[-1])
    return VAE(spec, event_shape[0], networks[0], posterior, prior, networks[1], BernoulliLikelihood)


def _prior_in(holder: nn.Module) -> Prior:
    return holder if isinstance(holder, Prior) else holder.prior  # type: ignore[return-value]


def _has_shapes(p: Distribution, batch_shape: tuple[int, ...], event_shape: tuple[int, ...]) -> None:
    require(p.batch_shape == batch_shape, f"the batch shape is that of the context, {batch_shape}")
    require(p.event_shape == event_shape, "the event shape is event_shape")
    z = p.sample((4,))
    require(z.shape == (4, *batch_shape, *event_shape), "sample axes come first")
    require(not z.requires_grad, "gradients do not pass a draw by sample")
    require(torch.isfinite(z).all(), "draws are finite")


@torch.no_grad()
def _draws_by_example(part: Posterior, h: Tensor) -> None:
    """A draw and its density are a function of the example and the number of the draw, whatever is drawn beside."""
    index = torch.arange(_B)
    with keyed_noise(index, seed=1):
        z, log_q = draw_from(part(h), (4,), differentiable=False)
    with keyed_noise(index[1:2], seed=1, first=2):
        alone, log_q_alone = draw_from(part(h[1:2]), (2,), differentiable=False)
    require(_same(alone, z[2:, 1:2]), "an example's draws do not depend on the others")
    if log_q is not None and log_q_alone is not None:
        require(_same(log_q_alone, log_q[2:, 1:2]), "an example's log q does not depend on the others")


def _same(a: Tensor, b: Tensor) -> bool:
    tolerance = 1e4 * torch.finfo(a.dtype).eps
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def _is_one_value(q: Distribution) -> None:
    z = q.sample((4,))
    require((z == z[:1]).all(), "all draws are one value")
    require(torch.equal(z, q.rsample((4,)).detach()), "differentiable ones, too")
    require((q.log_prob(z) == 0).all(), "all mass is on it")


def _knows_its_draws(part: Posterior, q: Any) -> None:
    z, log_q = q.rsample_and_log_prob((4,))
    require(z.shape == (4, _B, *part.event_shape), "draws have shape (K, B, *event)")
    require(log_q.shape == (4, _B), "the log q of draws has shape (K, B)")
    require(torch.isfinite(log_q).all(), "the log q of draws is finite")
    gradients_reach(part, log_q.sum(), "the log q of draws")
    with torch.no_grad():
        if part.has_density_at:
            apart = (q.log_prob(z) - log_q).abs() / (1 + log_q.abs())
            require((apart < torch.finfo(z.dtype).eps ** 0.5).all(), "log_prob of a draw is the log q it came with")
        elif part.domain == "real":
            _density_of_draws(*q.rsample_and_log_prob((_DRAWS,)))


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
    z = q.sample((_DRAWS,))
    _density_of_draws(z, q.log_prob(z))


def _density_of_draws(z: Tensor, log_q: Tensor) -> None:
    """E_q[r / q] = 1 for a density r that is narrower: density and sampler agree, the normaliser included."""
    r = torch.distributions.Normal(z.median(0).values, 0.7 * z.std(0))
    log_r = r.log_prob(z).flatten(log_q.ndim).sum(-1)
    ratio = torch.exp(log_r - log_q)
    error = STANDARD_ERRORS * ratio.std(0) / _DRAWS**0.5 + 1e-6
    require(((ratio.mean(0) - 1).abs() <= error).all(), "log_prob is the log density of the draws")
