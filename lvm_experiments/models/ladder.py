"""Latent variables inferred from the top down, along a path that inference and generation share."""

from __future__ import annotations

__all__ = ["LadderVAE"]

from collections.abc import Callable
from functools import partial
from math import prod

import torch
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
from lvm_experiments.networks.initialisation import initialise
from lvm_experiments.networks.mlp import mlp_layers
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Initialisation, LayerActivation, PositiveInt


class LadderVAE(ConditionedModel):
    r"""$p(x|z_{1:T}) \, p(z_T) \prod_t p(z_t|z_{>t})$ with $q(z_T|x) \prod_t q(z_t|z_{>t}, x)$.

    A deterministic path goes up from the encoder, $d_{t+1} = f_t(d_t)$, another one comes down from the top,
    $h_t = g_t(h_{t+1}, z_{t+1})$. The prior of a layer sees $h_t$, its posterior $(d_t, h_t)$, the decoder
    $(h_1, z_1)$, so that every layer reaches x by itself. The posterior part gives every conditional, each with
    parameters of its own; the prior part is the top layer's.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of dimensions of the top layer; None takes 50, or a quarter of the observed
            dimensions where that is less.
        layers: The number T of latent variables.
        widening: How many times as many dimensions a layer has as the one above it.
        hidden: The hidden layers of one step of either path.
        activation: After every one of them; `glu` is of gated layers.
        encoder: x to features.
        posterior: Features to $q(z_T|x)$, and the family of all conditionals.
        prior: $p(z_T)$.
        decoder: $(h_1, z_1)$ to raw parameters.
        likelihood: Raw parameters to $p(x|z)$.
        initialisation: Of the weights between latent variables: torch's own, `glorot` or `he`.

    Raises:
        RequestError: For parts that cannot go together, and a posterior whose density is known of its draws only.

    Example:
        >>> from functools import partial
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.networks import MLPDecoder, MLPEncoder
        >>> from lvm_experiments.posteriors import DiagonalNormalPosterior
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = LadderVAE(
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
        {'z3': (5, 3, 1), 'z2': (5, 3, 2), 'z1': (5, 3, 4)}

    References:
        | Ladder variational autoencoders (Sonderby et al., 2016), https://arxiv.org/abs/1602.02282
        | Improved variational inference with inverse autoregressive flow (Kingma et al., 2016), section 4
        | https://arxiv.org/abs/1606.04934
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
        self.encoder = build_part("encoder", encoder, spec)
        features = [self.encoder.features + spec.condition]
        self.upwards, self.downwards = nn.ModuleList(), nn.ModuleList()
        for _ in dims[1:]:
            self.upwards.append(nn.Sequential(*mlp_layers(features[-1], hidden, activation)))
            features.append(hidden[-1] if hidden else features[-1])
        given = partial(ConditionalLayer, posterior, hidden=[], activation=activation)
        self.posterior = build_part("posterior", posterior, features[-1], dims[-1])
        self.prior = build_part("prior", prior, self.posterior.event_shape, spec)
        self.inferred, self.generated = nn.ModuleList(), nn.ModuleList()
        path, size = spec.condition, prod(self.posterior.event_shape)
        for t in reversed(range(layers - 1)):
            self.downwards.insert(0, nn.Sequential(*mlp_layers(path + size, hidden, activation)))
            path = hidden[-1] if hidden else path + size
            self.inferred.insert(0, given(features[t] + path, dims[t]))
            layer = given(path, dims[t])
            self.generated.insert(0, layer)
            size = prod(layer.event_shape)
        for way in (self.upwards, self.downwards):
            initialise(way, initialisation)
        self.likelihood = build_part("likelihood", likelihood, spec)
        self.decoder = build_decoder(decoder, path + size, self.likelihood)
        self.posterior.bind(self)
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        seen = [] if batch.x is None else self._seen(self.spec.embed(batch.x, batch.observed), batch)
        top = len(self.names) - 1
        z = pick(self.names[top], lambda: self.posterior(seen[top]), self.prior(condition))
        # The path begins with the condition, which every layer and the decoder see by it.
        path = followed_by(z.flatten(2)[..., :0], condition)
        for t in reversed(range(top)):
            path = self.downwards[t](torch.cat([path, z.flatten(2)], -1))
            z = pick(self.names[t], partial(self._q, t, seen, path), self.generated[t](path))
        return lambda: self.likelihood(self.decoder(torch.cat([path, z.flatten(2)], -1)))

    def q_z_embedded(self, x: Tensor, batch: Batch, rows: Tensor | None = None) -> Distribution:
        """$q(z_T|x)$ for an x that is embedded already, as pseudo-inputs of the top layer's prior are.

        Arguments:
            x: Embedded, shape `(M, *shape)`.
            batch: What else the encoder is given.
            rows: Whose posteriors to return, numbers of any shape, which is the batch shape then; None: all M.
        """
        features = self._seen(x, batch)[-1]
        return self.posterior(features if rows is None else features[rows])

    def _seen(self, x: Tensor, batch: Batch) -> list[Tensor]:
        """The path upwards, from the features of an embedded x."""
        seen = [followed_by(self.encoder(x, batch), self.condition_of(batch))]
        for step in self.upwards:
            seen.append(step(seen[-1]))
        return seen

    def _q(self, t: int, seen: list[Tensor], path: Tensor) -> Distribution:
        return self.inferred[t](torch.cat([seen[t].expand(*path.shape[:-1], -1), path], -1))
