"""A categorical latent beside a continuous one."""

from __future__ import annotations

__all__ = ["DiscreteContinuousVAE"]

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.conditioned import ConditionedModel, followed_by
from lvm_experiments.models.parts import build_decoder, build_part, check_together, latent_dims
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior, RelaxedCategoricalPosterior
from lvm_experiments.priors import CategoricalPrior, Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import AtLeastTwo, PositiveFloat, PositiveInt


class DiscreteContinuousVAE(ConditionedModel):
    r"""$p(x|z, y) \, p(z) \, p(y)$ with $q(z|x) \, q(y|x)$: what kind of thing it is, and how it varies.

    y is one category with learned probabilities, trained by Gumbel-Softmax; z is what posterior and prior make it.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of dimensions of z; None takes 50, or a quarter of the observed dimensions where
            that is less.
        categories: The number of categories of y.
        temperature: Of the relaxation of y in training.
        encoder: x to features.
        posterior: Features to q(z|x).
        prior: p(z).
        decoder: z and y to raw parameters.
        likelihood: Raw parameters to p(x|z, y).

    Raises:
        RequestError: For parts that cannot go together.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = DiscreteContinuousVAE(
        ...     DataSpec("binary", (4,), levels=2),
        ...     2,
        ...     categories=3,
        ...     temperature=0.5,
        ...     encoder=partial(MLPEncoder, hidden=[8]),
        ...     posterior=DiagonalNormalPosterior,
        ...     prior=StandardNormalPrior,
        ...     decoder=partial(MLPDecoder, hidden=[8]),
        ...     likelihood=BernoulliLikelihood,
        ... )
        >>> {name: tuple(z.shape) for name, z in model.draw(torch.ones(3, 4), 5).z.items()}
        {'y': (5, 3, 1, 3), 'z': (5, 3, 2)}

    References:
        | Learning disentangled joint continuous and discrete representations (Dupont, 2018)
        | https://arxiv.org/abs/1804.00104
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None,
        categories: AtLeastTwo,
        temperature: PositiveFloat,
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
        features = self.encoder.features + spec.condition
        self.category = RelaxedCategoricalPosterior(features, 1, categories, temperature)
        self.category_prior = CategoricalPrior(self.category.event_shape, spec)
        self.posterior = build_part("posterior", posterior, features, self.latent_dim)
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        inputs = prod(self.posterior.event_shape) + categories + spec.condition
        self.decoder = build_decoder(decoder, inputs, self.likelihood)
        self.posterior.bind(self)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        features = None if batch.x is None else self._features(self.spec.embed(batch.x, batch.observed), batch)
        y = pick("y", lambda: self.category(features), self.category_prior(condition))
        z = pick("z", lambda: self.posterior(features), self.prior(condition))
        return lambda: self.likelihood(self.decoder(followed_by(_beside(z, y), condition)))

    def q_z_embedded(self, x: Tensor, batch: Batch, rows: Tensor | None = None) -> Distribution:
        """q(z|x) for an x that is embedded already, as pseudo-inputs are.

        Arguments:
            x: Embedded, shape `(M, *shape)`.
            batch: What else the encoder is given.
            rows: Whose posteriors to return, numbers of any shape, which is the batch shape then; None: all M.
        """
        features = self._features(x, batch)
        return self.posterior(features if rows is None else features[rows])

    def _features(self, x: Tensor, batch: Batch) -> Tensor:
        return followed_by(self.encoder(x, batch), self.condition_of(batch))


def _beside(z: Tensor, y: Tensor) -> Tensor:
    """Both as vectors, shape `(K, B, L + categories)`."""
    return torch.cat([z.flatten(2), y.flatten(2)], -1)
