"""The contract of models."""

from __future__ import annotations

__all__ = ["check_model", "with_missing"]

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models import ExactModel, LatentVariableModel
from lvm_experiments.testing.promises import require, seeded

_K = 3
_TOLERANCE = 1e-3  # nats, and relative; products of other sizes are summed in another order


def check_model(model: LatentVariableModel, batch: Batch) -> None:
    """Draws score as drawn, examples keep to themselves, missing cells do not count, all answers have their shape.

    The promises are those of evaluation: the model is asked in that mode, and left in it.

    Arguments:
        model: The model.
        batch: Three or more examples in the likelihood's space, with their numbers in `index`.

    Raises:
        AssertionError: With the promise that is not kept.

    Example:
        >>> from lvm_experiments.models import ProbabilisticPCA
        >>> from lvm_experiments.spec import DataSpec
        >>> x = torch.randn(4, 5)
        >>> check_model(ProbabilisticPCA(DataSpec("real", (5,)), 2), Batch(x, index=torch.arange(4)))
    """
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with seeded(), torch.no_grad():
        _scores_its_draws(model, batch)
        _keeps_examples_apart(model, batch)
        _misses_what_is_missing(model, batch)
        _answers(model, batch)
    moved = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    require(not moved, f"to be asked changes no model, {', '.join(moved)} neither")


def with_missing(batch: Batch, likelihood: Likelihood) -> Batch:
    """The batch with things missing that the likelihood lets be missing: all of the first example, half of others."""
    assert batch.x is not None
    if likelihood.mask == "steps":
        steps = torch.arange(len(batch.x), device=batch.x.device) % batch.x.shape[1]
        return batch.replace(lengths=steps if batch.lengths is None else torch.minimum(batch.lengths, steps))
    if likelihood.mask is None:
        return batch
    cells = {"cells": batch.x.shape, "pixels": (len(batch.x), 1, *batch.x.shape[2:])}[likelihood.mask]
    mask = torch.rand(cells).to(batch.x.device) < 0.5
    mask[0] = False
    return batch.replace(mask=mask if batch.mask is None else mask & batch.mask)


def _scores_its_draws(model: LatentVariableModel, batch: Batch) -> None:
    draw = model.draw(batch, _K, differentiable=False)
    for name, step in draw.steps.items():
        require(step.z.shape[:2] == (_K, len(batch)), f"draws of {name} have shape (K, B, *event)")
        require(_is_value_of(step.p, step.z), f"draws of {name} in evaluation are values of its prior")
    require(draw.log_weight.shape == (_K, len(batch)), "log weights have shape (K, B)")
    scored = model.score(batch, draw.z)
    require(_same(draw.log_joint, scored.log_joint), "log p(x, z) of a draw is what the same z is scored as")
    if all(part.has_density_at for part in model.posteriors):
        require(_same(draw.log_q, scored.log_q), "log q(z|x) of a draw is what the same z is scored as")
    if isinstance(model, ExactModel):
        exact = model.log_marginal(batch).to(draw.log_weight)
        require(_same(draw.log_weight, exact.expand(_K, -1)), "log weights of the exact posterior are log p(x)")


def _keeps_examples_apart(model: LatentVariableModel, batch: Batch) -> None:
    rows = torch.tensor([2, 0])
    some = Batch(**{n: None if (v := getattr(batch, n)) is None else v[rows] for n in batch.__slots__})
    whole = model.evidence(batch, _K, seed=0).log_p
    require(bool(torch.isfinite(whole).all()), "log p(x) is finite")
    require(_same(whole[rows], model.evidence(some, _K, seed=0).log_p), "log p(x) does not hang on other examples")
    require(_same(whole, model.evidence(batch, _K, seed=0, chunk=2).log_p), "log p(x) does not hang on the chunk")


def _misses_what_is_missing(model: LatentVariableModel, batch: Batch) -> None:
    if model.likelihood.mask is None:
        return
    some = with_missing(batch, model.likelihood)
    assert some.x is not None
    assert some.observed is not None
    gone = some.x.new_zeros(()) if model.likelihood.mask == "steps" else some.x.new_tensor(torch.nan)
    other = some.replace(x=torch.where(some.observed, some.x, gone))
    log_p = model.evidence(some, _K, seed=0).log_p
    require(bool(torch.isfinite(log_p).all()), "log p(x) is finite where cells are missing")
    same = torch.equal(log_p, model.evidence(other, _K, seed=0).log_p)
    require(same, "what stands in a missing cell changes no bit of log p(x)")
    nothing = model.draw(other, _K, differentiable=False).log_lik[:, 0]
    require(bool((nothing == 0).all()), "log p(x|z) of nothing is 0")
    if model.likelihood.has_moments:
        x = model.impute(other, _K, seed=0)
        require(x.shape == some.x.shape and bool(torch.isfinite(x).all()), "what is missing is filled in")
        seen = some.observed.expand_as(x)
        require(torch.equal(x[seen], some.x.to(x)[seen]), "what was observed stays as it is")


def _answers(model: LatentVariableModel, batch: Batch) -> None:
    assert batch.x is not None
    z = model.draw(batch, 1, differentiable=False).z
    means = model.encode(batch)
    require(list(means) == list(z), "encode gives every latent")
    for name, value in means.items():
        require(value.shape == z[name].shape[1:], f"the mean of {name} has shape (B, *event)")
    decoded = model.decode({name: value[0] for name, value in z.items()}, model.condition_of(batch))
    for what, x in {"reconstruct": model.reconstruct(batch), "decode": decoded}.items():
        require(x.shape == batch.x.shape and bool(torch.isfinite(x).all()), f"{what} gives an example for each")
    try:
        condition, given = model.of_label(0)
    except ValueError:
        return  # labels play no part in it
    x = model.sample(2, condition, given=given)
    require(x.numel() == 2 * batch.x[0].numel(), "draws of a class are as many as asked for")


def _is_value_of(p: Distribution, z: Tensor) -> bool:
    try:
        support = p.support
    except NotImplementedError:  # a flow does not say
        support = None
    return bool((torch.isfinite(z) if support is None else support.check(z)).all())


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE)
