"""The von Mises-Fisher distribution."""

from __future__ import annotations

__all__ = ["VonMisesFisher"]

import torch
from torch import Tensor
from torch.types import _size

from lvm_experiments.distributions.log_bessel import (
    log_mean_exp_on_sphere,
    mean_resultant_length,
    mean_resultant_slope,
)
from lvm_experiments.distributions.tilted_sphere import TiltedSphere

# Of which at least 65 % are accepted: none of them once in 10^15 draws, and then it is the first one.
_PROPOSALS = 32


class VonMisesFisher(TiltedSphere):
    r"""The normal distribution's form on the sphere in m dimensions.

    $$ q(z) = C_m(\kappa) e^{\kappa \mu^\top z}, \qquad
       C_m(\kappa) = \frac{\kappa^{m/2-1}}{(2 \pi)^{m/2} I_{m/2-1}(\kappa)} $$

    Draws are Wood's: a proposal for $\mu^\top z$ is accepted with a probability of at least 0.65. A fixed number of
    proposals is made for every draw, so that no draw depends on how many others needed.

    Arguments:
        loc: $\mu$, of length 1, shape `(*batch, m)` with m at least 2.
        concentration: $\kappa > 0$, shape `(*batch,)`.

    Example:
        >>> q = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0]), torch.tensor(5.0))
        >>> round(q.log_prob(q.loc).exp().item(), 4)
        0.7958
        >>> bool(q.support.check(q.rsample((100,))).all())
        True

    References:
        | Hyperspherical variational auto-encoders (Davidson et al., 2018), https://arxiv.org/abs/1804.00891
        | Simulation of the von Mises Fisher distribution (Wood, 1994), https://doi.org/10.1080/03610919408813161
    """

    def statistic(self, theta: Tensor) -> Tensor:
        return -2 * torch.sin(theta / 2) ** 2

    def statistic_of(self, value: Tensor) -> Tensor:
        return -0.5 * (value - self.loc).square().sum(-1)

    def log_mean(self) -> Tensor:
        return log_mean_exp_on_sphere(self._wide, self.event_shape[0]) - self._wide

    def mean_statistic(self) -> Tensor:
        return mean_resultant_length(self._wide, self.event_shape[0]) - 1

    def mode_cosine(self) -> Tensor:
        more = self.event_shape[0] - 2
        return 2 * self._wide / (more + torch.sqrt(more**2 + 4 * self._wide**2))

    def cosine_moments(self) -> tuple[Tensor, Tensor]:
        slope = mean_resultant_slope(self._wide, self.event_shape[0])
        return self._wide * slope, 1 - (self.event_shape[0] - 1) * slope

    @torch.no_grad()
    def angles(self, sample_shape: _size) -> Tensor:
        m, k = self.event_shape[0], self._wide[..., None]
        shape = (*sample_shape, *self._wide.shape, _PROPOSALS)
        # The symmetric beta distribution of (1 + a) / 2, a a coordinate of a uniform point on the sphere.
        u, angle, threshold = torch.rand((*shape, 3), dtype=k.dtype, device=k.device).unbind(-1)
        radius = (1 - u ** (2 / (m - 2))).sqrt() if m > 2 else torch.ones_like(u)
        beta = (1 + radius * torch.cos(2 * torch.pi * angle)) / 2
        b = (m - 1) / (2 * k + torch.sqrt(4 * k**2 + (m - 1) ** 2))
        short = 2 * b * beta / (1 - (1 - b) * beta)  # 1 - cosine, to the last digit
        # Wood's x0 = (1 - b) / (1 + b) and test, in terms of 1 - x0 and 1 - cosine.
        gap = 2 * b / (1 + b)
        away = torch.log((short + gap - short * gap) / (gap * (2 - gap)))
        refused = k * (gap - short) + (m - 1) * away < torch.log(threshold)
        # A concentration that is no number refuses nothing, and gives no number.
        first = (~refused).to(torch.uint8).argmax(-1, keepdim=True)
        return 2 * torch.asin((short.gather(-1, first)[..., 0] / 2).sqrt().clamp(max=1))
