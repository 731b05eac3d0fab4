"""A chain of latent variables, inferred from the bottom up."""

from __future__ import annotations

__all__ = ["HierarchicalVAE"]

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import prod

from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import Observation
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.conditional_layer import ConditionalLayer
from lvm_experiments.models.conditioned import ConditionedModel, followed_by
from lvm_experiments.models.parts import build_decoder, build_part, check_layers, check_together, latent_dims
from lvm_experiments.networks import Decoder, Encoder
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Initialisation, LayerActivation, PositiveInt


class HierarchicalVAE(ConditionedModel):
    r"""$p(x|z_1) \, p(z_1|z_2) \cdots p(z_T)$ with $q(z_1|x) \, q(z_2|z_1) \cdots q(z_T|z_{T-1})$.

    The posterior part gives every conditional, $q(z_t|\cdot)$ and $p(z_t|z_{t+1})$ alike, each with parameters of
    its own; the prior part is the top layer's. Between two layers stands a small network.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of dimensions of the top layer; None takes 50, or a quarter of the observed
            dimensions where that is less.
        layers: The number T of latent variables.
        widening: How many times as many dimensions a layer has as the one above it.
        hidden: The hidden layers of the networks between two latent variables.
        activation: After every one of them; `glu` is of gated layers.
        encoder: x to features.
        posterior: Features to $q(z_1|x)$, and the family of all conditionals.
        prior: $p(z_T)$.
        decoder: $z_1$ to raw parameters.
        likelihood: Raw parameters to $p(x|z_1)$.
        initialisation: Of the weights between latent variables: torch's own, `glorot` or `he`.

    Raises:
        RequestError: For parts that cannot go together, and a posterior whose density is known of its draws only.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = HierarchicalVAE(
        ...     DataSpec("binary", (4,), levels=2),
        ...     latent_dim=1,
        ...     layers=3,
        ...     widening=2,
        ...     hidden=[8],
        ...     activation="tanh",
        ...     encoder=partial(MLPEncoder, hidden=[8]),
        ...     posterior=DiagonalNormalPosterior,
        ...     prior=StandardNormalPrior,
        ...     decoder=partial(MLPDecoder, hidden=[8]),
        ...     likelihood=BernoulliLikelihood,
        ... )
        >>> {name: tuple(z.shape) for name, z in model.draw(torch.ones(3, 4), 5).z.items()}
        {'z1': (5, 3, 4), 'z2': (5, 3, 2), 'z3': (5, 3, 1)}

    References:
        | Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2015), https://arxiv.org/abs/1509.00519
        | Ladder variational autoencoders (Sonderby et al., 2016), https://arxiv.org/abs/1602.02282
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None,
        layers: PositiveInt,
        widening: PositiveInt,
        hidden: list[PositiveInt],
        activation: LayerActivation,
        encoder: Callable[..., Encoder] | None,
        posterior: Callable[..., Posterior] | None,
        prior: Callable[..., Prior] | None,
        decoder: Callable[..., Decoder] | None,
        likelihood: Callable[..., Likelihood] | None,
        initialisation: Initialisation = "default",
    ) -> None:
        super().__init__(spec)
        self.latent_dim = latent_dims(latent_dim, spec)
        check_together(spec, posterior, prior, likelihood)
        check_layers(posterior)
        dims = [self.latent_dim * widening ** (layers - 1 - t) for t in range(layers)]
        self.names = [f"z{t + 1}" for t in range(layers)]
        more = spec.condition
        self.encoder = build_part("encoder", encoder, spec)
        self.posterior = build_part("posterior", posterior, self.encoder.features + more, dims[0])
        given = partial(
            ConditionalLayer, posterior, hidden=hidden, activation=activation, initialisation=initialisation
        )
        self.upwards, self.downwards = nn.ModuleList(), nn.ModuleList()
        event_shape = self.posterior.event_shape
        sizes = [prod(event_shape)]
        for below, above in pairwise(dims):
            layer = given(sizes[-1] + more, above)
            self.upwards.append(layer)
            event_shape = layer.event_shape
            sizes.append(prod(event_shape))
            self.downwards.append(given(sizes[-1] + more, below))
        self.prior = build_part("prior", prior, event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        self.decoder = build_decoder(decoder, sizes[0] + more, self.likelihood)
        self.posterior.bind(self)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        z: dict[int, Tensor] = {}

        def q(t: int) -> Distribution:
            return self.q_z(batch) if t == 0 else self.upwards[t - 1](followed_by(z[t - 1].flatten(2), condition))

        def p(t: int) -> Distribution:
            if t == len(self.names) - 1:
                return self.prior(condition)
            return self.downwards[t](followed_by(z[t + 1].flatten(2), condition))

        numbers = range(len(self.names))
        if batch.x is None:
            for t in reversed(numbers):
                z[t] = pick(self.names[t], partial(q, t), p(t))
        else:
            for t in numbers:
                z[t] = pick(self.names[t], partial(q, t), partial(p, t))
        return lambda: self.p_x(z[0], condition)

    def q_z(self, batch: Batch) -> Distribution:
        """$q(z_1|x)$, of batch shape `(B,)`."""
        if batch.x is None:
            raise ValueError("a posterior needs observations")
        features = self.encoder(self.spec.embed(batch.x, batch.observed), batch)
        return self.posterior(followed_by(features, self.condition_of(batch)))

    def p_x(self, z: Tensor, condition: Tensor | None = None) -> Observation:
        """$p(x|z_1)$, of batch shape `(K, B)`."""
        return self.likelihood(self.decoder(followed_by(z.flatten(2), condition)))
