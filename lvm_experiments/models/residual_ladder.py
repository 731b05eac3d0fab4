"""Maps of latent variables at several resolutions, inferred from the top down through residual blocks."""

from __future__ import annotations

__all__ = ["ResidualLadderVAE"]

from collections.abc import Callable
from functools import partial
from math import prod

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal, Observation
from lvm_experiments.errors import RequestError
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models.base import Pick
from lvm_experiments.models.conditioned import ConditionedModel
from lvm_experiments.models.parts import build_part, check_condition, check_domains, check_space
from lvm_experiments.networks.base import Network, activation_layer, image_shape
from lvm_experiments.networks.conv import halved
from lvm_experiments.networks.residual import residual_blocks
from lvm_experiments.posteriors import Posterior
from lvm_experiments.posteriors.near_zero import near_zero
from lvm_experiments.priors import Prior
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import Activation, NonNegativeInt, PositiveInt


class ResidualLadderVAE(ConditionedModel):
    r"""$p(x|z_{1:T}) \, p(z_T) \prod_t p(z_t|z_{>t})$ with $q(z_T|x) \prod_t q(z_t|z_{>t}, x)$, each $z_t$ a map.

    Residual blocks go up from the image, $d_t$, halving its sides between resolutions; a deterministic path comes
    down, $h$, which every layer adds to: $h \leftarrow f_t(h + W_t z_t)$. The prior of a layer sees h, its posterior
    $(d_t, h)$, the likelihood the last h. All conditionals are normal with a diagonal covariance; the top layer's
    prior is the prior part. A z is the map of L channels flattened, of length $L h w$.

    Arguments:
        spec: What is known of the data, in the likelihood's space.
        latent_dim: The number L of channels of every latent map; None takes 4.
        channels: Of the paths.
        layers: The number of latent variables at each resolution, from the image's own on, each half of the one
            before; 0 where there are none. The last one has at least one.
        blocks: Residual blocks before every latent variable, on either path.
        activation: Between convolutions.
        encoder: None; both paths are its own, as are its posteriors and its decoder.
        posterior: None.
        prior: $p(z_T)$.
        decoder: None.
        likelihood: Raw parameters to $p(x|z)$.

    Raises:
        RequestError: For data that are no images, for a part it has no use for, and for parts that cannot go together.

    Example:
        >>> from lvm_experiments.likelihoods import BernoulliLikelihood
        >>> from lvm_experiments.priors import StandardNormalPrior
        >>> model = ResidualLadderVAE(
        ...     DataSpec("binary", (1, 8, 8), levels=2),
        ...     latent_dim=2,
        ...     channels=4,
        ...     layers=[0, 2, 1],
        ...     blocks=1,
        ...     activation="elu",
        ...     encoder=None,
        ...     posterior=None,
        ...     prior=StandardNormalPrior,
        ...     decoder=None,
        ...     likelihood=BernoulliLikelihood,
        ... )
        >>> {name: tuple(z.shape) for name, z in model.draw(torch.ones(3, 1, 8, 8), 5).z.items()}
        {'z3': (5, 3, 8), 'z2': (5, 3, 32), 'z1': (5, 3, 32)}

    References:
        | Very deep VAEs generalize autoregressive models and can outperform them on images (Child, 2021)
        | https://arxiv.org/abs/2011.10650
        | Ladder variational autoencoders (Sonderby et al., 2016), https://arxiv.org/abs/1602.02282
        | Improved variational inference with inverse autoregressive flow (Kingma et al., 2016)
        | https://arxiv.org/abs/1606.04934
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: PositiveInt | None,
        channels: PositiveInt,
        layers: list[NonNegativeInt],
        blocks: PositiveInt,
        activation: Activation,
        encoder: None,
        posterior: None,
        prior: Callable[..., Prior] | None,
        decoder: None,
        likelihood: Callable[..., Likelihood] | None,
    ) -> None:
        super().__init__(spec)
        self.latent_dim = latent_dim or 4
        for name, part in {"encoder": encoder, "posterior": posterior, "decoder": decoder}.items():
            if part is not None:
                raise RequestError(
                    "ResidualLadderVAE has maps where one gives vectors, and its own networks for them",
                    where=f"model.{name}",
                    hint=f"leave model/{name}=none, or choose model=ladder_vae",
                )
        check_space(likelihood, spec)
        check_domains(DiagonalNormalMapPosterior, prior, spec)
        check_condition(prior, spec)
        sizes = _sizes(spec, layers)
        # Which resolution each latent variable is at, from the bottom up.
        places = [r for r, number in enumerate(layers) for _ in range(number)]
        below = [0, *places[:-1]]
        self.names = [f"z{t + 1}" for t in range(len(places))]
        self.shapes = [(self.latent_dim, *sizes[r]) for r in places]
        rest = partial(residual_blocks, blocks, channels, activation, blocks * len(places))
        self.upwards, self.downwards = nn.ModuleList(), nn.ModuleList()
        for t, (r, lower) in enumerate(zip(places, below, strict=True)):
            up = [nn.Conv2d(spec.shape[0], channels, 3, padding=1)] if t == 0 else []
            up += [nn.Conv2d(channels, channels, 3, stride=2, padding=1) for _ in range(r - lower)]
            down = [nn.Upsample(sizes[lower]), nn.Conv2d(channels, channels, 3, padding=1)] if r > lower else []
            self.upwards.append(_Maps(*up, *rest()))
            self.downwards.append(_Maps(*rest(), *down))
        self.start = nn.Parameter(torch.zeros(channels, *sizes[-1]))
        self.conditioned = nn.Linear(spec.condition, channels, bias=False) if spec.condition else None
        self.inferred = nn.ModuleList(DiagonalNormalMapPosterior(2 * channels, shape) for shape in self.shapes)
        self.generated = nn.ModuleList(DiagonalNormalMapPosterior(channels, shape) for shape in self.shapes[:-1])
        # Draws of all layers add up on the way down: together as much as one of them at the start.
        share = len(places) ** -0.5
        self.joined = nn.ModuleList(_Maps(near_zero(nn.Conv2d(self.latent_dim, channels, 1), share)) for _ in places)
        self.prior = build_part("prior", prior, self.inferred[-1].event_shape, spec)
        self.likelihood = build_part("likelihood", likelihood, spec)
        *self.planes, height, width = self.likelihood.parameter_shape
        if (height, width) != sizes[0]:
            raise RequestError(
                f"ResidualLadderVAE gives maps, and {type(self.likelihood).__name__} takes parameters of shape"
                f" {self.likelihood.parameter_shape}",
                where="model.likelihood",
                hint="choose another model/likelihood= or model=ladder_vae",
            )
        self.raw = _Maps(activation_layer(activation), nn.Conv2d(channels, prod(self.planes), 3, padding=1))
        self.prior.bind(self)

    def walk(self, batch: Batch, pick: Pick) -> Callable[[], Observation]:
        condition = self.condition_of(batch)
        seen = [] if batch.x is None else self._seen(self.spec.embed(batch.x, batch.observed))
        top = len(self.names) - 1
        path = self._begin(condition)
        for t in reversed(range(len(self.names))):
            p = self.prior(condition) if t == top else self.generated[t](path)
            z = pick(self.names[t], partial(self._q, t, seen, path), p)
            path = self.downwards[t](path + self.joined[t](z.unflatten(-1, self.shapes[t])))
        return lambda: self.likelihood(self.raw(path).unflatten(-3, self.planes))

    def q_z_embedded(self, x: Tensor, batch: Batch, rows: Tensor | None = None) -> Distribution:
        """$q(z_T|x)$ for an x that is embedded already, as pseudo-inputs of the top layer's prior are.

        Arguments:
            x: Embedded, shape `(M, *shape)`.
            batch: What else the encoder is given.
            rows: Whose posteriors to return, numbers of any shape, which is the batch shape then; None: all M.
        """
        seen, path = self._seen(x), self._begin(self.condition_of(batch))
        return self.inferred[-1](_beside(seen[-1], path) if rows is None else _beside(seen[-1], path)[rows])

    def _begin(self, condition: Tensor | None) -> Tensor:
        """The path above the top layer, shape `(1, C, h, w)`, or `(B, C, h, w)` where there are conditions."""
        if self.conditioned is None or condition is None:
            return self.start[None]
        return self.start + self.conditioned(condition.to(self.start))[..., None, None]

    def _seen(self, x: Tensor) -> list[Tensor]:
        """What was seen at every layer's place, from an embedded x, shape `(B, C, h, w)` each."""
        seen: list[Tensor] = []
        for step in self.upwards:
            seen.append(step(seen[-1] if seen else x))
        return seen

    def _q(self, t: int, seen: list[Tensor], path: Tensor) -> Distribution:
        return self.inferred[t](_beside(seen[t], path))


def _beside(seen: Tensor, path: Tensor) -> Tensor:
    shape = torch.broadcast_shapes(seen.shape, path.shape)
    return torch.cat([seen.expand(shape), path.expand(shape)], -3)


class _Maps(Network):
    """Layers over maps of shape `(*leading, C, h, w)`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(0, -4)).unflatten(0, x.shape[:-3])


class DiagonalNormalMapPosterior(Posterior):
    """A normal distribution over a flattened map, with a diagonal covariance, from a map of features."""

    domain = "real"
    gradient = "reparameterised"
    has_density_at = True
    factorised = True

    def __init__(self, features: int, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.event_shape = (prod(shape),)
        # Near a standard normal distribution, p and q alike: of thousands of dimensions every tenth of a nat counts.
        self.network = _Maps(near_zero(nn.Conv2d(features, 2 * shape[0], 3, padding=1), 0.1))

    def forward(self, features: Tensor) -> DiagonalNormal:
        loc, log_scale = self.network(features).chunk(2, -3)
        return DiagonalNormal(loc.flatten(-3), log_scale.flatten(-3))


def _sizes(spec: DataSpec, layers: list[int]) -> list[tuple[int, int]]:
    """The sides of each resolution, from the image's own on.

    Raises:
        RequestError: For data that are no images, and layers that end without one.
    """
    try:
        _, height, width = image_shape(spec.shape, "ResidualLadderVAE", otherwise="")
    except ValueError as cause:
        raise RequestError(str(cause), where="model", hint="choose model=ladder_vae") from cause
    if not layers or not layers[-1]:
        raise RequestError(
            f"the last resolution has to have a latent variable, and layers are {list(layers)}", where="model.layers"
        )
    times = len(layers) - 1
    return list(zip(halved(height, times), halved(width, times), strict=True))
