"""Mixtures of discretised logistic distributions."""

from __future__ import annotations

__all__ = ["ColourDiscretizedLogisticMixture", "DiscretizedLogisticMixture"]

import torch
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from lvm_experiments.distributions.bins import log_logistic_bin
from lvm_experiments.distributions.discretized_logistic import DiscretizedLogistic
from lvm_experiments.distributions.observation import Observation

# The generator of Korobov's lattice; the fractional parts of i (1, g, g^2) / n fill the unit cube evenly.
_NODES, _GENERATOR = 509, 66


class DiscretizedLogisticMixture(Observation):
    r"""Cells in {0, .., levels - 1}, independent, each with a mixture of M discretised logistic distributions.

    $$ p(x) = \sum_{m = 1}^M \pi_m \, \mathrm{DiscretizedLogistic}(x; \mu_m, s_m) $$

    Arguments:
        logits: $\log \pi$ up to a constant, shape `(K, B, *shape, M)`.
        loc: $\mu$ on the scale where the levels span [-1, 1], shape `(K, B, *shape, M)`.
        log_scale: $\log s$, likewise.
        levels: The number of levels.

    Example:
        >>> logits, loc = torch.zeros(1, 1, 1, 2), torch.tensor([[[[-0.5, 0.5]]]])
        >>> p = DiscretizedLogisticMixture(logits, loc, torch.full_like(loc, -3.0), levels=4)
        >>> sum(p.log_prob(torch.full((1, 1), float(x))).exp() for x in range(4)).round(decimals=5)
        tensor([[1.]])

    References:
        | PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood and other modifications
        (Salimans, Karpathy, Chen & Kingma, 2017)
        | https://arxiv.org/abs/1701.05517
    """

    def __init__(self, logits: Tensor, loc: Tensor, log_scale: Tensor, levels: int) -> None:
        self.log_weights = torch.log_softmax(logits, -1)
        self.loc, self.log_scale, self.levels = loc, log_scale, levels
        super().__init__(loc[..., 0])

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.integer_interval(0, self.levels - 1), 1)

    def cell_log_prob(self, x: Tensor) -> Tensor:
        components = log_logistic_bin(x[..., None], self.loc, self.log_scale, self.levels)
        return torch.logsumexp(self.log_weights + components, -1)

    @property
    def mean(self) -> Tensor:
        mean, _ = self._component_moments()
        return (self.log_weights.exp() * mean).sum(-1)

    @property
    def variance(self) -> Tensor:
        mean, variance = self._component_moments()
        weights = self.log_weights.exp()
        centre = (weights * mean).sum(-1, keepdim=True)
        return (weights * (variance + (mean - centre) ** 2)).sum(-1)

    def _component_moments(self) -> tuple[Tensor, Tensor]:
        """Mean and variance within each component, shape `(K, B, *shape, M)`."""
        components = DiscretizedLogistic(self.loc, self.log_scale, self.levels)
        return components.mean, components.variance

    def _drawn_component(self, sample_shape: _size) -> Tensor:
        """One-hot, shape `(*sample_shape, K, B, *cells, M)`, drawn once where cells share their weights."""
        cumulative = self.log_weights.exp().cumsum(-1)
        u = self._noise(sample_shape, cumulative[..., 0])
        index = (u[..., None] >= cumulative).sum(-1).clamp_max(cumulative.shape[-1] - 1)
        return torch.nn.functional.one_hot(index, cumulative.shape[-1]).to(cumulative.dtype)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            component = self._drawn_component(sample_shape)
            loc, log_scale = (component * self.loc).sum(-1), (component * self.log_scale).sum(-1)
            u = self._noise(sample_shape, self.loc[..., 0])
            return DiscretizedLogistic(loc, log_scale, self.levels).quantile(u)


class ColourDiscretizedLogisticMixture(DiscretizedLogisticMixture):
    r"""Pixels of three coupled channels: they share the component, and the means of green and blue move with what came.

    With $t$ the levels scaled to [-1, 1],

    $$ p(r, g, b) = \sum_m \pi_m \, p(r; \mu^r_m, s^r_m) \, p(g; \mu^g_m + \alpha_m t_r, s^g_m) \,
       p(b; \mu^b_m + \beta_m t_r + \gamma_m t_g, s^b_m) . $$

    `cell_log_prob` gives a channel's log p given the channels before it, so a mask has to take whole pixels. Mean and
    variance have no closed form beyond red; they are sums over a lattice of 509 points of the noise. The mean is off
    by less than a fiftieth of the deviation in 19 of 20 cases, and a variance of next to nothing may be off by itself.

    Arguments:
        logits: $\log \pi$ up to a constant, shape `(K, B, 1, H, W, M)`.
        loc: $\mu$ on the scale where the levels span [-1, 1], shape `(K, B, 3, H, W, M)`.
        log_scale: $\log s$, likewise.
        coefficients: $\alpha, \beta, \gamma$ where channels stand, likewise.
        levels: The number of levels.

    Example:
        >>> at = torch.zeros(1, 1, 3, 2, 2, 5)
        >>> p = ColourDiscretizedLogisticMixture(at[:, :, :1], at, at, at, levels=256)
        >>> p.log_prob(p.sample()).shape
        torch.Size([1, 1])

    References:
        | PixelCNN++: improving the PixelCNN with discretized logistic mixture likelihood and other modifications
        (Salimans, Karpathy, Chen & Kingma, 2017)
        | https://arxiv.org/abs/1701.05517
    """

    def __init__(self, logits: Tensor, loc: Tensor, log_scale: Tensor, coefficients: Tensor, levels: int) -> None:
        self.coefficients = coefficients
        super().__init__(logits, loc, log_scale, levels)

    def _locations(self, t: Tensor, loc: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of the channels of all components, where t are scaled levels that broadcast against one channel of them."""
        alpha, beta, gamma = coefficients.unbind(-4)
        red, green, blue = loc.unbind(-4)
        r, g = t.unbind(-4)[:2]
        return red, green + alpha * r, blue + beta * r + gamma * g

    def cell_log_prob(self, x: Tensor) -> Tensor:
        x = x[..., None]
        loc = torch.stack(self._locations(self._scaled(x), self.loc, self.coefficients), -4)
        channels = log_logistic_bin(x, loc, self.log_scale, self.levels)
        # log p(r), log p(r, g) and log p(r, g, b); their differences are the conditionals.
        joint = torch.logsumexp(self.log_weights + channels.cumsum(-4), -1)
        return torch.cat([joint[..., :1, :, :], joint.diff(dim=-3)], -3)

    def log_prob(self, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Nats per example, summed over the pixels of which every channel was observed, shape `(K, B)`."""
        if mask is not None:
            mask = mask.all(-3, keepdim=True)
        return super().log_prob(value, mask)

    def _scaled(self, x: Tensor) -> Tensor:
        return (2 * x + 1) / self.levels - 1

    def _chain(self, u: Tensor, loc: Tensor, log_scale: Tensor, coefficients: Tensor) -> Tensor:
        """Levels from noise, channel after channel; channels stand at axis -4, components at -1."""
        alpha, beta, gamma = coefficients.unbind(-4)
        at, scale, noise = loc.unbind(-4), log_scale.unbind(-4), u.unbind(-4)
        red = DiscretizedLogistic(at[0], scale[0], self.levels).quantile(noise[0])
        r = self._scaled(red)
        green = DiscretizedLogistic(at[1] + alpha * r, scale[1], self.levels).quantile(noise[1])
        g = self._scaled(green)
        blue = DiscretizedLogistic(at[2] + beta * r + gamma * g, scale[2], self.levels).quantile(noise[2])
        return torch.stack([red, green, blue], -4)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:
        with torch.no_grad():
            component = self._drawn_component(sample_shape)
            given = (self.loc, self.log_scale, self.coefficients)
            chosen = [(component * parameter).sum(-1, keepdim=True) for parameter in given]
            u = self._noise(sample_shape, self.loc[..., 0])[..., None]
            return self._chain(u, *chosen)[..., 0]

    def _component_moments(self) -> tuple[Tensor, Tensor]:
        total = square = torch.zeros_like(self.loc)
        with torch.no_grad():
            for node in _lattice(self.loc):
                x = self._chain(node, self.loc, self.log_scale, self.coefficients) - self.levels / 2
                total, square = total + x, square + x**2
            mean = total / _NODES
            return mean + self.levels / 2, (square / _NODES - mean**2).clamp_min(0)


def _lattice(like: Tensor) -> Tensor:
    """Points of the unit cube that fill it evenly, shape `(n, 3, 1, 1, 1)`, in the middle of their cells."""
    steps = torch.tensor([1, _GENERATOR, _GENERATOR**2 % _NODES])
    whole = torch.arange(_NODES)[:, None] * steps % _NODES
    return ((whole.to(like) + 0.5) / _NODES)[..., None, None, None]
