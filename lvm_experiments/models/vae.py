"""One latent variable, an encoder and a decoder."""

from __future__ import annotations

__all__ = ["VAE"]

from collections.abc import Callable
from math import prod

from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.conditioned import ConditionedModel, followed_by
from lvm_experiments.models.parts import build_decoder, build_part, check_together, latent_dims
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class VAE(ConditionedModel):
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
        super().__init__(spec)
        self.latent_dim = latent_dims(latent_dim, spec)
        check_together(spec, posterior, prior, likelihood)
        self.encoder = build_part("encoder", encoder, spec)
        self.posterior = build_part("posterior", posterior, self.encoder.features + spec.condition, self.latent_dim)
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        inputs = prod(self.posterior.event_shape) + spec.condition
        self.decoder = build_decoder(decoder, inputs, self.likelihood)
        self.posterior.bind(self)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        z = pick("z", lambda: self.q_z(batch), self.prior(condition))
        return lambda: self.p_x(z, condition)

    def q_z(self, batch: Batch) -> Distribution:
        """q(z|x), of batch shape `(B,)`; what stands in missing cells changes nothing, encoders see 0 there."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        q = self.q_z_embedded(self.spec.embed(batch.x, batch.observed), batch)
        return self.posterior.refine(q, batch)

    def q_z_embedded(self, x: Tensor, batch: Batch, rows: Tensor | None = None) -> Distribution:
        """q(z|x) for an x that is embedded already, as pseudo-inputs are.

        Arguments:
            x: Embedded, shape `(M, *shape)`.
            batch: What else the encoder is given.
            rows: Whose posteriors to return, numbers of any shape, which is the batch shape then; None: all M.
        """
        features = followed_by(self.encoder(x, batch), self.condition_of(batch))
        return self.posterior(features if rows is None else features[rows])

    def p_x(self, z: Tensor, condition: Tensor | None = None) -> Observation:
        """p(x|z), of batch shape `(K, B)`."""
        return self.likelihood(self.decoder(followed_by(z.flatten(2), condition)))
