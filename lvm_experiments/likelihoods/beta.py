"""The beta likelihood for cells in the open unit interval."""

from __future__ import annotations

__all__ = ["BetaLikelihood"]

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lvm_experiments.distributions import BetaObservation
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import OpenProbability, PositiveFloat


class BetaLikelihood(Likelihood):
    r"""$p(x|z) = \prod_d \mathrm{Beta}(x_d; \alpha_d(z), \beta_d(z))$ for x in (0, 1), the edges left out.

    The decoder predicts the logit of a mean $m$ and a log concentration, where 0 and 0 are the uniform density:

    $$ \alpha = a_{min} + 2 (1 - a_{min}) \, m \, c , \quad \beta = a_{min} + 2 (1 - a_{min}) (1 - m) \, c $$

    with $c$ the concentration, which approaches `max_concentration` smoothly.

    Arguments:
        spec: What is known of the data.
        min_shape: $a_{min}$, a floor of both parameters. Below 1 the density may be infinite at an edge; at 0.5 less
            than 0.001 of the mass lies nearer to 1 than float32 can tell, at 0.1 a tenth.
        max_concentration: A bound, without which the density of a well predicted cell has none.

    Example:
        >>> likelihood = BetaLikelihood(DataSpec("unit", (4,)))
        >>> abs(likelihood(torch.zeros(1, 1, 2, 4)).log_prob(torch.rand(1, 4)).item()) < 1e-5
        True

    References:
        | The continuous Bernoulli: fixing a pervasive error in variational autoencoders (Loaiza-Ganem &
        Cunningham, 2019), where it is compared with
        | https://arxiv.org/abs/1907.06845
    """

    space = "unit"
    parameters_per_cell = 2

    def __init__(
        self, spec: DataSpec, min_shape: OpenProbability = 0.5, max_concentration: PositiveFloat = 1e6
    ) -> None:
        super().__init__(spec)
        self.min_shape = min_shape
        self.log_bound = math.log(max_concentration)

    def forward(self, raw: Tensor) -> BetaObservation:
        logit, log_concentration = raw.unbind(2)
        bound = log_concentration.new_tensor(self.log_bound)
        # c = e^a (1 + 1 / bound) / (1 + e^a / bound), which is 1 at 0.
        bounded = log_concentration - softplus(log_concentration - bound) + softplus(-bound)
        spread = 2 * (1 - self.min_shape) * torch.exp(bounded)
        alpha = self.min_shape + spread * torch.sigmoid(logit)
        return BetaObservation(alpha, self.min_shape + spread * torch.sigmoid(-logit))
