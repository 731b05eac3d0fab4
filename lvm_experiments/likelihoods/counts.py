"""What likelihoods of counts have in common."""

from __future__ import annotations

__all__ = ["CountLikelihood", "log_of_counts", "mean_total"]

from abc import ABC
from collections.abc import Callable

from torch import Tensor

from lvm_experiments.distributions import Observation, SizedCounts
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.spec import DataSpec
from lvm_experiments.types import CountSize

_NEVER = 1e-6  # the mean to begin with of what did not occur in training


class CountLikelihood(Likelihood, ABC):
    r"""Independent counts of mean $\mu_d(z)$, with or without the size of an example given.

    With `size` "predicted" the decoder gives $\log \mu_d$. With "observed" it gives shares of x's own total s,
    $\mu_d = s \cdot \mathrm{softmax}(\ell(z))_d$, as in single-cell work, where s is how deep a cell was sequenced.
    The density is then conditional on s, no log-likelihood of x, and labelled so; draws and reconstructions have
    the mean size of training.

    Arguments:
        spec: What is known of the data.
        size: `predicted` or `observed`.

    References:
        | Deep generative modeling for single-cell transcriptomics (Lopez et al., 2018)
        | https://www.nature.com/articles/s41592-018-0229-2
    """

    space = "counts"

    def __init__(self, spec: DataSpec, size: CountSize = "predicted") -> None:
        super().__init__(spec)
        self.size = size
        self.total = mean_total(spec)
        if size == "observed":
            self.normalised, self.given = False, "its total as size"

    def counts(self, raw: Tensor, cells: Callable[[Tensor], Observation]) -> Observation:
        """Counts from what the decoder says of their means, shape `(K, B, *shape)`."""
        if self.size == "predicted":
            return cells(raw)
        return SizedCounts(raw, cells, raw.new_tensor(self.total))


def log_of_counts(mean: Tensor) -> Tensor:
    """The logarithm of mean counts, of which those of what never occurs are 0."""
    return mean.clamp_min(_NEVER).log()


def mean_total(spec: DataSpec) -> float:
    """The mean total of a training example; as many as there are cells where it is not known."""
    return float(spec.dims) if spec.mean is None else max(float(spec.mean.double().sum()), 1.0)
