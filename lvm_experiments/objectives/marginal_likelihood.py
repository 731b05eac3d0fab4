"""The marginal likelihood itself, where a model knows it."""

from __future__ import annotations

__all__ = ["MarginalLikelihood"]

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models import ExactModel, LatentVariableModel
from lvm_experiments.objectives.base import Losses, Objective, Progress


class MarginalLikelihood(Objective):
    r"""$L = -\log p(x)$, in closed form; for exact models (`ppca`, `factor_analysis`, `gmm`, `bernoulli_mixture`).

    Example:
        >>> MarginalLikelihood().monitor
        'val/elbo'

    References:
        | Probabilistic principal component analysis (Tipping & Bishop, 1999)
        | https://doi.org/10.1111/1467-9868.00196
    """

    def compute(self, model: LatentVariableModel, batch: Batch, progress: Progress) -> Losses:
        assert isinstance(model, ExactModel)
        log_p = model.log_marginal(batch)
        return Losses({"model": -log_p.mean()}, {"elbo": log_p.detach()})

    def check(self, model: LatentVariableModel) -> None:
        super().check(model)
        if not isinstance(model, ExactModel):
            raise RequestError(
                f"the marginal likelihood of {type(model).__name__} has no closed form",
                where="objective",
                hint="choose objective=elbo, or model=ppca|factor_analysis|gmm|bernoulli_mixture",
            )
