"""The contract of objectives."""

from __future__ import annotations

__all__ = ["check_objective"]

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import DiagonalNormal
from lvm_experiments.errors import RequestError
from lvm_experiments.evaluation import metric_of
from lvm_experiments.likelihoods import BernoulliLikelihood
from lvm_experiments.models import VAE, LatentVariableModel
from lvm_experiments.networks import MLPDecoder, MLPEncoder
from lvm_experiments.objectives import Losses, Objective, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from lvm_experiments.spec import DataSpec
from lvm_experiments.testing.promises import require, seeded

_B = 4
_OWN = 3.25  # nats, of a loss that belongs to the model


class _Committed(DiagonalNormalPosterior):
    """A posterior with a loss of its own, as quantised ones have."""

    own: float = 0.0

    def forward(self, features: Tensor) -> DiagonalNormal:
        q = super().forward(features)
        q.losses = {"own": torch.full(q.batch_shape, self.own)}  # type: ignore[attr-defined]
        return q


def check_objective(objective: Callable[[], Objective], model: LatentVariableModel | None = None) -> None:
    """Losses per parameter group, detached terms, gradients to every parameter, the model's own losses, saving.

    Arguments:
        objective: What is called to build it: a class, or a partial of one.
        model: A model to train, over 6 binary cells; None takes a small one.

    Raises:
        AssertionError: With the promise that is not kept.
        RequestError: Where the objective refuses the model.

    Example:
        >>> from lvm_experiments.objectives import ELBO
        >>> check_objective(ELBO)
    """
    with seeded():
        model = model or _small_model()
        part = objective()
        require(isinstance(part, Objective), "an objective is an Objective")
        metric_of(part.monitor)
        part.bind(model)
        part.check(model)
        x = (torch.rand(_B, 6) < 0.5).to(torch.get_default_dtype())
        batch = Batch(x, index=torch.arange(_B))
        progress = Progress(step=1, epoch=1, steps=10, epochs=5)
        losses = part(model, batch, progress)
        _has_shapes(losses)
        _reaches(part, model, losses)
        require(all(isinstance(w, str) for w in part.warnings(progress)), "warnings are sentences")
        require(len(part(model, batch, progress).loss), "it may be asked again")
        _adds_own_losses(objective, batch, progress)
        _survives_saving(objective, part, model)


def _small_model() -> VAE:
    spec = DataSpec("binary", (6,), levels=2, size=50)
    encoder, decoder = partial(MLPEncoder, hidden=[5]), partial(MLPDecoder, hidden=[5])
    return VAE(spec, 2, encoder, _Committed, StandardNormalPrior, decoder, BernoulliLikelihood)


def _has_shapes(losses: Losses) -> None:
    for group, loss in losses.loss.items():
        require(loss.shape == (), f"the loss of group {group} is a scalar")
        require(torch.isfinite(loss), f"the loss of group {group} is finite")
    for name, term in losses.terms.items():
        require(term.shape == (_B,), f"term {name} has a value for each example")
        require(not term.requires_grad, f"term {name} is detached")


def _reaches(part: Objective, model: LatentVariableModel, losses: Losses) -> None:
    groups = part.groups(model)
    require(losses.loss.keys() == groups.keys(), "there is a loss for each parameter group")
    every = {id(p): n for m in (model, part) for n, p in m.named_parameters() if p.requires_grad}
    owned = [id(p) for parameters in groups.values() for p in parameters]
    require(len(owned) == len(set(owned)), "no parameter is in two groups")
    missing = [name for key, name in every.items() if key not in set(owned)]
    require(not missing, f"every parameter is in a group, {', '.join(missing)} too")
    for group, parameters in groups.items():
        loss = losses.loss[group]
        found = torch.autograd.grad(loss, parameters, allow_unused=True, retain_graph=True)
        for parameter, gradient in zip(parameters, found, strict=True):
            name = every.get(id(parameter), "?")
            require(gradient is not None, f"the loss of group {group} reaches {name}")
            require(torch.isfinite(gradient).all(), f"the gradient of {name} is finite")
            require((gradient != 0).any(), f"the gradient of {name} is not all zero")


def _survives_saving(objective: Callable[[], Objective], part: Objective, model: LatentVariableModel) -> None:
    other = objective()
    other.bind(model)
    other.load_state_dict(part.state_dict())


def _adds_own_losses(objective: Callable[[], Objective], batch: Batch, progress: Progress) -> None:
    model = _small_model()
    try:
        objective().check(model)
    except RequestError:
        return  # it is for other models, which have no such losses here
    found = []
    for own in (0.0, _OWN):
        model.posterior.own = own  # type: ignore[assignment]
        with seeded(1):
            # Anew, since multipliers move with every step.
            part = objective()
            part.bind(model)
            total = sum(part(model, batch, progress).loss.values())
            found.append(float(torch.as_tensor(total).detach()))
    gap = found[1] - found[0]
    require(abs(gap - _OWN) < 1e-4, "the model's own losses are added, once")
