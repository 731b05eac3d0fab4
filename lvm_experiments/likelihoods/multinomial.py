"""The multinomial likelihood for bags of words."""

from __future__ import annotations

__all__ = ["MultinomialLikelihood"]

from torch import Tensor

from lvm_experiments.distributions import Multinomial
from lvm_experiments.likelihoods.base import Likelihood
from lvm_experiments.likelihoods.counts import log_of_counts, mean_total
from lvm_experiments.spec import DataSpec


class MultinomialLikelihood(Likelihood):
    r"""$p(x|z, N) = \mathrm{Multinomial}(x; N, \mathrm{softmax}(\ell(z)))$ given the total $N = \sum_d x_d$.

    The density is one given N and is reported so, apart from those of all of x; a draw's total is Poisson, of the
    mean total of training. No cell may be missing, since N would not be known then.

    Arguments:
        spec: What is known of the data.

    Example:
        >>> likelihood = MultinomialLikelihood(DataSpec("counts", (2,)))
        >>> likelihood(torch.zeros(1, 1, 1, 2)).log_prob(torch.tensor([[1.0, 2.0]])).exp()
        tensor([[0.3750]])

    References:
        | Neural variational inference for text processing (Miao, Yu & Blunsom, 2016)
        | https://arxiv.org/abs/1511.06038
    """

    space = "counts"
    mask = None
    given = "its total"

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(spec)
        self.total = mean_total(spec)

    def forward(self, raw: Tensor) -> Multinomial:
        return Multinomial(raw.squeeze(2), raw.new_tensor(self.total))

    def link(self, mean: Tensor) -> Tensor:
        return log_of_counts(mean)
