"""A kernel mixture over embedded training examples."""

from __future__ import annotations

__all__ = ["ExemplarPrior"]

from typing import Any

import torch
from torch import Tensor, nn

from lvm_experiments.distributions import DiagonalNormal, Mixture
from lvm_experiments.examples import Examples
from lvm_experiments.priors.base import Prior
from lvm_experiments.priors.pseudo_inputs import PseudoInputs
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import PositiveInt


class ExemplarPrior(Prior):
    r"""$p(z) = \frac{1}{M} \sum_{m=1}^M \mathcal{N}(z; \mu(x_m), \sigma^2 I)$ over M training examples $x_m$.

    $\mu(x)$ is the mean of the model's own $q(z|x)$, and one $\sigma$ is learned for all; gradients reach the encoder
    through the exemplars. They are a part of the model's state: it can be loaded without data. Until they are given
    (`prepare`), random inputs stand in their place.

    The paper takes all training examples, finds the nearest by a cache of their embeddings, and leaves each example
    out of its own prior while training. Here the exemplars are a fixed subset and p(z) is one density for all z, so
    that training, evaluation and sampling speak of the same model. An example that is among them sees itself with
    weight 1 / M: that is a share M / N of a training set of N, and no example of a validation or test set, so keep M
    well below N, and look for overfitting in the validation bound.

    Arguments:
        event_shape: The shape of z, `(L,)`.
        spec: What is known of the data.
        number: M; no more than there are training examples.

    Raises:
        RequestError: When bound to a model whose posterior has no mean in closed form.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.models import VAE
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> spec, prior = DataSpec("binary", (4,), levels=2), partial(ExemplarPrior, number=10)
        >>> networks = partial(MLPEncoder, hidden=[8]), partial(MLPDecoder, hidden=[8])
        >>> model = VAE(spec, 2, networks[0], DiagonalNormalPosterior, prior, networks[1], BernoulliLikelihood)
        >>> model.prior().sample((3,)).shape
        torch.Size([3, 2])

    References:
        | Exemplar VAE: linking generative models, nearest neighbor retrieval, and data augmentation (Norouzi, Fleet
        & Norouzi, 2020)
        | https://arxiv.org/abs/2004.04795
    """

    domain = "real"
    logits: Tensor
    model: Any

    def __init__(self, event_shape: tuple[int, ...], spec: DataSpec, number: PositiveInt = 1000) -> None:
        super().__init__()
        self.event_shape = event_shape
        number = min(number, spec.size or number)
        self.exemplars = PseudoInputs(spec, number, learned=False, spread=0.1)
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("logits", torch.zeros(number), persistent=False)

    def bind(self, model: Any) -> None:
        does = "has its kernels at posterior means"
        PseudoInputs.check(model, "ExemplarPrior", _has_real_mean, does, "mean in closed form")
        self.__dict__["model"] = model  # not as a submodule: it is the model's part, not the other way round

    def prepare(self, examples: Examples) -> None:
        """Remembers the exemplars."""
        self.exemplars.fill(examples, self.model.condition_of)

    def forward(self, condition: Tensor | None = None) -> Mixture:
        def kernels() -> DiagonalNormal:
            loc = self.exemplars.posterior(self.model).mean
            return DiagonalNormal(loc, self.log_scale.expand_as(loc))

        return Mixture(self.logits, self.event_shape, kernels)


def _has_real_mean(posterior: Any) -> bool:
    return posterior.domain == "real" and posterior.has_mean
