"""A latent label beside a continuous latent, for data of which some are labelled."""

from __future__ import annotations

__all__ = ["M2"]

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation, OneHot
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.conditioned import ConditionedModel, followed_by
from lvm_experiments.models.draw import Latents
from lvm_experiments.models.parts import build_decoder, build_part, check_together, latent_dims, one_of
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import CategoricalPosterior, Posterior
from lvm_experiments.priors import CategoricalPrior, Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class M2(ConditionedModel):
    r"""$p(x|z, y) \, p(z) \, p(y)$ with $q(y|x) \, q(z|x, y)$, where y is the label, known for some examples.

    Its objective is `m2`, which sums over the label where nobody knows it. Evaluation asks for $\log p(x)$ and looks
    at no label.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of dimensions of z; None takes 50, or a quarter of the observed dimensions where
            that is less.
        encoder: x to features.
        posterior: Features and label to q(z|x, y).
        prior: p(z).
        decoder: z and label to raw parameters.
        likelihood: Raw parameters to p(x|z, y).

    Raises:
        RequestError: For data without labels, and parts that cannot go together.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = M2(
        ...     DataSpec("binary", (4,), levels=2, classes=3),
        ...     2,
        ...     encoder=partial(MLPEncoder, hidden=[8]),
        ...     posterior=DiagonalNormalPosterior,
        ...     prior=StandardNormalPrior,
        ...     decoder=partial(MLPDecoder, hidden=[8]),
        ...     likelihood=BernoulliLikelihood,
        ... )
        >>> model.classify(Batch(torch.ones(5, 4))).shape
        torch.Size([5, 3])

    References:
        | Semi-supervised learning with deep generative models (Kingma, Rezende, Mohamed & Welling, 2014)
        | https://arxiv.org/abs/1406.5298
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
        if not spec.classes:
            raise RequestError(
                "its labels are latent, and the data have none",
                where="model",
                hint="choose another model= (joint_vae has categories of its own) or data=",
            )
        super().__init__(spec)
        self.latent_dim = latent_dims(latent_dim, spec)
        check_together(spec, posterior, prior, likelihood)
        self.encoder = build_part("encoder", encoder, spec)
        features = self.encoder.features + spec.condition
        self.label = CategoricalPosterior(features, 1, spec.classes)
        self.label_prior = CategoricalPrior(self.label.event_shape, spec)
        self.posterior = build_part("posterior", posterior, features + spec.classes, self.latent_dim)
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        inputs = prod(self.posterior.event_shape) + spec.classes + spec.condition
        self.decoder = build_decoder(decoder, inputs, self.likelihood)
        self.posterior.bind(self)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        features = None if batch.x is None else self._features(batch)
        y = pick("y", lambda: self.label(features), self.label_prior(condition))

        def q() -> Distribution:
            assert features is not None
            return self.posterior(torch.cat([features.expand(*y.shape[:2], -1), y.flatten(2)], -1))

        z = pick("z", q, self.prior(condition))
        return lambda: self.likelihood(
            self.decoder(followed_by(torch.cat([z.flatten(2), y.flatten(2)], -1), condition))
        )

    def q_y(self, batch: Batch) -> OneHot:
        """q(y|x), of batch shape `(B,)` and event shape `(1, classes)`."""
        return self.label(self._features(batch))

    def of_label(self, label: int) -> tuple[Tensor | None, Latents]:
        return None, {"y": one_of(label, self.spec.classes).to(self.label_prior.logits)[None, None]}

    @torch.no_grad()
    def classify(self, batch: Batch) -> Tensor:
        """q(y|x), shape `(B, classes)`."""
        return self.q_y(batch).probs[:, 0]

    def _features(self, batch: Batch) -> Tensor:
        assert batch.x is not None
        features = self.encoder(self.spec.embed(batch.x, batch.observed), batch)
        return followed_by(features, self.condition_of(batch))
