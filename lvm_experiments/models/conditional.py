"""A model of x given its label."""

from __future__ import annotations

__all__ = ["ConditionalVAE"]

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.draw import Latents
from lvm_experiments.models.parts import one_of
from lvm_experiments.models.vae import VAE
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec, as_floating
from lvm_experiments.types import PositiveInt


class ConditionalVAE(VAE):
    r"""$p(x|z, y) \, p(z|y)$ with $q(z|x, y)$: a VAE whose condition is the label, one-hot.

    Its evidence is $\log p(x|y)$. Drawn from without a condition, it goes through the classes in turn. A prior over
    conditions (`conditional_normal`) makes $p(z|y)$; any other one is $p(z)$.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of latent dimensions; None takes 50, or a quarter of the observed dimensions
            where that is less.
        encoder: x to features.
        posterior: Features and label to q(z|x, y).
        prior: p(z) or p(z|y).
        decoder: z and label to raw parameters.
        likelihood: Raw parameters to p(x|z, y).

    Raises:
        RequestError: For data without labels or with conditions of their own, and parts that cannot go together.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = ConditionalVAE(
        ...     DataSpec("binary", (4,), levels=2, classes=3),
        ...     2,
        ...     partial(MLPEncoder, hidden=[8]),
        ...     DiagonalNormalPosterior,
        ...     StandardNormalPrior,
        ...     partial(MLPDecoder, hidden=[8]),
        ...     BernoulliLikelihood,
        ... )
        >>> model.sample(6).shape
        torch.Size([6, 4])

    References:
        | Learning structured output representation using deep conditional generative models (Sohn, Lee & Yan, 2015)
        | https://papers.nips.cc/paper/5775
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
                "it is conditioned on labels, and the data have none",
                where="model",
                hint="choose another model= or data=",
            )
        if spec.condition:
            raise RequestError(
                "the data have conditions of their own beside their labels",
                where="model",
                hint="choose another model=, which all take conditions",
            )
        super().__init__(
            spec.replace(condition=spec.classes), latent_dim, encoder, posterior, prior, decoder, likelihood
        )

    def condition_of(self, batch: Batch) -> Tensor | None:
        if batch.condition is not None:
            return batch.condition
        if batch.label is None:
            raise ValueError("the model is conditioned on labels, and these examples have none")
        known = batch.label >= 0
        # All zero where nobody knows the label: no class rather than a wrong one.
        return as_floating(one_hot(batch.label.clamp_min(0), self.spec.classes) * known[:, None])

    def conditions(self, n: int) -> Tensor | None:
        """The classes in turn."""
        classes = torch.arange(n, device=self.known_conditions.device) % self.spec.classes
        return as_floating(one_hot(classes, self.spec.classes))

    def of_label(self, label: int) -> tuple[Tensor | None, Latents]:
        return one_of(label, self.spec.classes).to(self.known_conditions), {}
