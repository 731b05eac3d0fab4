"""The discretised logistic likelihood for countable levels."""

from __future__ import annotations

__all__ = ["DiscretizedLogisticLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import DiscretizedLogistic
from lvm_experiments.likelihoods.levels import LevelsLikelihood
from lvm_experiments.spec import DataSpec


class DiscretizedLogisticLikelihood(LevelsLikelihood):
    r"""Each level gets the mass of a logistic density over its bin; the decoder predicts location and log scale.

    Arguments:
        spec: What is known of the data; its `levels` are the bins.
        min_log_scale: The smallest log scale, where the levels span [-1, 1]; -7 is an eighth of a bin of 256.

    Raises:
        ValueError: Where the data have no countable levels.

    Example:
        >>> likelihood = DiscretizedLogisticLikelihood(DataSpec("bytes", (4,), levels=256))
        >>> likelihood(torch.zeros(1, 1, 2, 4)).log_prob(torch.full((1, 4), 255.0)).shape
        torch.Size([1, 1])

    References:
        | Improved variational inference with inverse autoregressive flow (Kingma et al., 2016)
        | https://arxiv.org/abs/1606.04934
    """

    parameters_per_cell = 2

    def __init__(self, spec: DataSpec, min_log_scale: float = -7.0) -> None:
        super().__init__(spec)
        self.min_log_scale = min_log_scale

    def forward(self, raw: Tensor) -> DiscretizedLogistic:
        loc, log_scale = raw.unbind(2)
        return DiscretizedLogistic(loc, log_scale.clamp_min(self.min_log_scale), self.spec.levels)
