"""One latent variable, an encoder and a decoder."""

from __future__ import annotations

__all__ = ["VAE"]

from collections.abc import Callable
from math import prod
from typing import TypeVar

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import LatentVariableModel, Pick
from lvm_experiments.models.parts import build_part, check_domains, check_space
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt

D = TypeVar("D", bound=Distribution)


class VAE(LatentVariableModel):
    """p(x|z) p(z) with q(z|x), from five parts.

    The parts are given as callables that still lack what only the model knows: `encoder(spec)`,
    `posterior(features, latent_dim)`,
    `prior(event_shape, spec)`, `likelihood(spec)` and `decoder(inputs, parameter_shape)`.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of latent dimensions; None takes 50, or a quarter of the observed dimensions
            where that is less.
        encoder: x to features.
        posterior: Features to q(z|x).
        prior: p(z).
        decoder: z to raw parameters.
        likelihood: Raw parameters to p(x|z).

    Raises:
        RequestError: For parts that cannot go together.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = VAE(
        ...     DataSpec("binary", (4,), levels=2),
        ...     2,
        ...     partial(MLPEncoder, hidden=[8]),
        ...     DiagonalNormalPosterior,
        ...     StandardNormalPrior,
        ...     partial(MLPDecoder, hidden=[8]),
        ...     BernoulliLikelihood,
        ... )
        >>> model.log_evidence(torch.ones(3, 4), num_samples=10).shape
        torch.Size([3])

    References:
        | Auto-encoding variational Bayes (Kingma & Welling, 2013)
        | https://arxiv.org/abs/1312.6114
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None,
        encoder: Callable[..., Encoder] | None,
        posterior: Callable[..., Posterior] | None,
        prior: Callable[..., Prior] | None,
        decoder: Callable[..., Decoder] | None,
        likelihood: Callable[..., Likelihood] | None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.latent_dim = latent_dim or max(1, min(50, spec.dims // 4))
        check_space(likelihood, spec)
        check_domains(posterior, prior)
        self.encoder = build_part("encoder", encoder, spec)
        self.posterior = build_part("posterior", posterior, self.encoder.features, self.latent_dim)
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        inputs = prod(self.posterior.event_shape)
        self.decoder = build_part("decoder", decoder, inputs, self.likelihood.parameter_shape)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        z = pick("z", lambda: self.q_z(batch), self.prior(batch.condition))
        return lambda: self.p_x(z, batch.condition)

    def q_z(self, batch: Batch) -> Distribution:
        """q(z|x), of batch shape `(B,)`; what stands in missing cells changes nothing, encoders see 0 there."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        x, observed = self.spec.embed(batch.x), batch.observed
        if observed is not None:
            x = torch.where(observed, x, x.new_zeros(()))
        return self.q_z_embedded(x, batch)

    def q_z_embedded(self, x: Tensor, batch: Batch) -> Distribution:
        """q(z|x) for an x that is embedded already, as pseudo-inputs are."""
        return _in_full_precision(self.posterior, self.encoder(x, batch))

    def p_x(self, z: Tensor, condition: Tensor | None = None) -> Observation:
        """p(x|z), of batch shape `(K, B)`."""
        inputs = z.flatten(2)
        if condition is not None:
            inputs = torch.cat([inputs, condition.expand(*inputs.shape[:2], -1)], -1)
        return _in_full_precision(self.likelihood, self.decoder(inputs))


def _in_full_precision(part: Callable[[Tensor], D], x: Tensor) -> D:
    """Networks may run in 16 bits; probabilities do not."""
    # Not only where x has 16 bits: a part's own layers would use them for an x of 32, too.
    full = x.dtype in (torch.float32, torch.float64)
    if full and not torch.is_autocast_enabled(x.device.type):
        return part(x)
    with torch.autocast(x.device.type, enabled=False):
        return part(x if full else x.float())
