"""What objectives that compare the aggregated posterior with draws of the prior have in common."""

from __future__ import annotations

__all__ = ["check_prior_learns", "loose_bounds", "prior_draws"]

import torch
from torch import Tensor

from lvm_experiments.distributions import draw_from
from lvm_experiments.errors import RequestError
from lvm_experiments.models import LatentVariableModel, Step
from lvm_experiments.objectives.base import Objective


def prior_draws(step: Step) -> Tensor:
    """As many draws of the prior as there are of the posterior, shape `(K, B, *event)`; differentiable if any are."""
    return draw_from(step.p, tuple(step.z.shape[: 2 - len(step.p.batch_shape)]))[0]


def check_prior_learns(objective: Objective, model: LatentVariableModel, *, by_draws: bool) -> None:
    """Refuses a prior with parameters that would stay where they begin.

    Arguments:
        objective: One in which the prior's density does not occur.
        model: The model.
        by_draws: Whether a gradient passes the prior's draws, where they carry one.

    Raises:
        RequestError: For such a prior.
    """
    prior = getattr(model, "prior", None)
    if prior is None or not any(p.requires_grad for p in prior.parameters()):
        return
    if by_draws:
        with torch.no_grad():
            if prior(model.conditions(1)).has_rsample:
                return
    name = type(objective).__name__
    raise RequestError(
        f"{name} takes draws of the prior and not its density, from which {type(prior).__name__} would learn nothing",
        where="objective",
        hint="choose model/prior=standard_normal, another without parameters, or another objective=",
    )


def loose_bounds(name: str) -> str:
    """A warning that holds where the rate is no part of the loss."""
    return (
        f"{name} does not train a bound: posteriors may become narrow, and val/elbo, which picks the best checkpoint,"
        " low; the model is better judged by its samples and reconstructions"
    )
