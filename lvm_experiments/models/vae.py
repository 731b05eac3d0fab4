"""One latent variable, an encoder and a decoder."""

from __future__ import annotations

__all__ = ["VAE"]

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.examples import Examples
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import LatentVariableModel, Pick
from lvm_experiments.models.parts import build_part, check_condition, check_domains, check_space
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt

_CONDITIONS = 64  # of training examples, kept to draw from the prior with


class VAE(LatentVariableModel):
    """p(x|z) p(z) with q(z|x), from five parts.

    The parts are given as callables that still lack what only the model knows: `encoder(spec)`,
    `posterior(features, latent_dim)`,
    `prior(event_shape, spec)`, `likelihood(spec)` and `decoder(inputs, parameter_shape)`. Where the data have
    conditions, features and latents are followed by them.

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

    one_latent = True
    known_conditions: Tensor

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
        check_condition(prior, spec)
        self.encoder = build_part("encoder", encoder, spec)
        self.posterior = build_part("posterior", posterior, self.encoder.features + spec.condition, self.latent_dim)
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        inputs = prod(self.posterior.event_shape) + spec.condition
        self.decoder = build_part("decoder", decoder, inputs, self.likelihood.parameter_shape)
        if spec.condition:
            self.register_buffer("known_conditions", torch.zeros(_CONDITIONS, spec.condition))
        self.posterior.bind(self)
        self.prior.bind(self)

    def prepare(self, examples: Examples) -> None:
        super().prepare(examples)
        if self.spec.condition:
            known = self.condition_of(examples(_CONDITIONS))
            assert known is not None
            self.known_conditions = known[torch.arange(_CONDITIONS) % len(known)].to(self.known_conditions)

    def conditions(self, n: int) -> Tensor | None:
        """Those of training examples, in turn."""
        if not self.spec.condition:
            return None
        return self.known_conditions[torch.arange(n) % _CONDITIONS]

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        z = pick("z", lambda: self.q_z(batch), self.prior(condition))
        return lambda: self.p_x(z, condition)

    def q_z(self, batch: Batch) -> Distribution:
        """q(z|x), of batch shape `(B,)`; what stands in missing cells changes nothing, encoders see 0 there."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        return self.q_z_embedded(self.spec.embed(batch.x, batch.observed), batch)

    def q_z_embedded(self, x: Tensor, batch: Batch) -> Distribution:
        """q(z|x) for an x that is embedded already, as pseudo-inputs are."""
        features, condition = self.encoder(x, batch), self.condition_of(batch)
        return self.posterior(features if condition is None else torch.cat([features, condition.to(features)], -1))

    def p_x(self, z: Tensor, condition: Tensor | None = None) -> Observation:
        """p(x|z), of batch shape `(K, B)`."""
        inputs = z.flatten(2)
        if condition is not None:
            inputs = torch.cat([inputs, condition.to(inputs).expand(*inputs.shape[:2], -1)], -1)
        return self.likelihood(self.decoder(inputs))
