"""The categorical likelihood for countable levels."""

from __future__ import annotations

__all__ = ["CategoricalLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import CategoricalObservation
from lvm_experiments.likelihoods.levels import LevelsLikelihood
from lvm_experiments.spec import DataSpec


class CategoricalLikelihood(LevelsLikelihood):
    r"""$p(x|z) = \prod_d \mathrm{softmax}(\ell_d(z))_{x_d}$: a probability of its own for each level of each cell.

    It knows nothing of the order of levels, and takes `levels` numbers a cell from the decoder: 256 of 28 x 28
    cells in float32 are 0.8 MB for each example and draw, gradients as much again.

    Arguments:
        spec: What is known of the data; its `levels` are the categories.

    Raises:
        ValueError: Where the data have no countable levels.

    Example:
        >>> likelihood = CategoricalLikelihood(DataSpec("bytes", (1, 8, 8), levels=17))
        >>> likelihood.parameter_shape
        (17, 1, 8, 8)

    References:
        | Pixel recurrent neural networks (van den Oord, Kalchbrenner & Kavukcuoglu, 2016)
        | https://arxiv.org/abs/1601.06759
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.parameter_shape = (spec.levels, *spec.shape)

    def forward(self, raw: Tensor) -> CategoricalObservation:
        return CategoricalObservation(raw)
