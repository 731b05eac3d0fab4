"""Whether a model gives data a density."""

from __future__ import annotations

__all__ = ["check_support"]

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.models.base import LatentVariableModel
from lvm_experiments.options import options_where


def check_support(model: LatentVariableModel, batch: Batch, where: str) -> None:
    """Refuses observations that the model's likelihood gives no density to.

    Arguments:
        model: The model.
        batch: Observations in the likelihood's space.
        where: What they are of, for the refusal.

    Raises:
        RequestError: With the likelihoods that can leave cells out, where that is what is wanted.
    """
    assert batch.x is not None
    try:
        model.likelihood.check(batch.x, batch.observed)
    except ValueError as cause:
        raise RequestError(str(cause), where=where, hint=_other_choice(model, batch)) from cause


def _other_choice(model: LatentVariableModel, batch: Batch) -> str:
    likelihood = model.likelihood
    if likelihood.mask is not None or batch.observed is None or bool(batch.observed.all()):
        return "choose another model=, model/likelihood= or observation="
    can = options_where("model/likelihood", lambda kind: kind.space == likelihood.space and kind.mask is not None)
    return f"choose model/likelihood={'|'.join(can)} or another model=" if can else "choose another model="
