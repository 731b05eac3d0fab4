"""What hangs on what in a model, found by walking it and changing one thing at a time."""

from __future__ import annotations

__all__ = ["CONDITION", "OBSERVED", "Structure", "Variable", "structure_of"]

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from lvm_experiments.batch import Batch
from lvm_experiments.distributions import draw_from
from lvm_experiments.likelihoods import Likelihood
from lvm_experiments.models import LatentVariableModel
from lvm_experiments.models.draw import Latents
from lvm_experiments.posteriors import Posterior
from lvm_experiments.priors import Prior

OBSERVED, CONDITION = "x", "c"  # how they are called among the parents of a variable

_SUFFIX = re.compile(r"(Posterior|Likelihood|Observation)$")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass
class Variable:
    """A latent variable, or what is observed.

    Arguments:
        name: Its name.
        shape: The shape of one value.
        p: What its distribution is called: that of the part that made it, or else its own name.
        q: What its posterior is called; empty for what is observed.
        parents: The latents that p hangs on, and `CONDITION`.
        seen: What q hangs on: `OBSERVED`, latents and `CONDITION`.
    """

    name: str
    shape: tuple[int, ...]
    p: str
    q: str = ""
    parents: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Structure:
    """A model as a graph.

    Arguments:
        latents: In the order they are drawn in.
        x: What is observed.
        conditioned: The length C of the condition; 0 where there is none.
    """

    latents: list[Variable]
    x: Variable
    conditioned: int

    @property
    def levels(self) -> list[list[Variable]]:
        """Latents by the longest way down to them: first those that hang on no other."""
        by_name, depth = {v.name: v for v in self.latents}, dict[str, int]()

        def find(name: str) -> int:
            if name not in depth:
                depth[name] = 0  # also where a cycle would lead back to it
                above = [find(parent) for parent in by_name[name].parents if parent in by_name]
                depth[name] = 1 + max(above, default=-1)
            return depth[name]

        found: list[list[Variable]] = [[] for _ in range(1 + max(map(find, by_name), default=-1))]
        for variable in self.latents:
            found[depth[variable.name]].append(variable)
        return found


def structure_of(model: LatentVariableModel, batch: Batch) -> Structure:
    """Walks a model once as it is, and once more for each thing that something may hang on.

    A distribution hangs on what changes its density, or where it has none, its draws. So what is shown is what the
    model does with these examples and its present parameters, whatever its code could do.

    Arguments:
        model: The model, in evaluation mode.
        batch: A few examples in the likelihood's space; torch's default generators are used.
    """
    condition = model.condition_of(batch)
    batch = batch.replace(condition=condition)
    torch.manual_seed(0)
    z = model.draw(batch, differentiable=False).z
    other = {name: _other(one, again) for (name, one), again in zip(z.items(), _again(model, batch), strict=True)}
    with _made_by(model) as makers:
        walked = _walk(model, batch, z)
        variables = {
            name: Variable(name, tuple(z[name].shape[2:]), _called(p, makers), _called(q, makers))
            for name, (q, p) in walked.latents.items()
        }
        x = Variable(OBSERVED, model.spec.shape, _called(walked.x, makers))
    before = walked.prints(batch, z)
    for name in z:
        after = _walk(model, batch, z | {name: other[name]}).prints(batch, z)
        _note(name, variables, x, before, after)
    if condition is not None:
        changed = batch.replace(condition=_rolled(condition))
        _note(CONDITION, variables, x, before, _walk(model, changed, z).prints(batch, z))
    changed = batch.replace(
        **{name: _rolled(v, 0) for name in ("x", "mask", "lengths") if (v := getattr(batch, name)) is not None}
    )
    _note(OBSERVED, variables, x, before, _walk(model, changed, z).prints(batch, z))
    return Structure(list(variables.values()), x, 0 if condition is None else condition.shape[-1])


@dataclass(frozen=True)
class _Walked:
    """The distributions of one walk."""

    latents: dict[str, tuple[Distribution, Distribution]]
    x: Distribution

    def prints(self, batch: Batch, z: Latents) -> dict[tuple[str, str], Tensor]:
        """Something of each distribution that changes when it does."""
        found = {(OBSERVED, "p"): _print(self.x, batch.x, batch.observed)}
        for name, (q, p) in self.latents.items():
            found[name, "q"], found[name, "p"] = _print(q, z[name]), _print(p, z[name])
        return found


def _walk(model: LatentVariableModel, batch: Batch, z: Latents) -> _Walked:
    found: dict[str, tuple[Distribution, Any]] = {}

    def pick(name: str, q: Callable[[], Distribution], p: Any) -> Tensor:
        found[name] = q(), p
        return z[name]

    torch.manual_seed(0)
    p_x = model.walk(batch, pick)
    # Those that hang on a latent yet to be drawn can be had now.
    latents = {name: (q, p if isinstance(p, Distribution) else p()) for name, (q, p) in found.items()}
    return _Walked(latents, p_x())


def _again(model: LatentVariableModel, batch: Batch) -> Iterator[Tensor]:
    torch.manual_seed(1)
    yield from model.draw(batch, differentiable=False).z.values()


def _other(z: Tensor, again: Tensor) -> Tensor:
    """Another value of each: categories may have been drawn the same."""
    same = (z == again).flatten(2).all(-1)
    return torch.where(same.reshape(*same.shape, *[1] * (z.ndim - 2)), _rolled(z), again)


def _rolled(x: Tensor, axis: int = -1) -> Tensor:
    return x.roll(1, axis) if x.shape[axis] > 1 else x + 1


def _print(one: Any, *at: Tensor | None) -> Tensor:
    try:
        found: Tensor = one.log_prob(*at)
    except (NotImplementedError, ValueError):
        found = torch.tensor(torch.nan)
    if not torch.isfinite(found).all():
        torch.manual_seed(0)
        found, _ = draw_from(one, (), differentiable=False)
    return found


def _note(
    cause: str,
    variables: dict[str, Variable],
    x: Variable,
    before: dict[tuple[str, str], Tensor],
    after: dict[tuple[str, str], Tensor],
) -> None:
    for (name, role), value in before.items():
        if name == cause or torch.equal(value, after[name, role]):
            continue
        one = x if name == OBSERVED else variables[name]
        (one.parents if role == "p" else one.seen).append(cause)


@contextmanager
def _made_by(model: LatentVariableModel) -> Iterator[list[tuple[Any, str]]]:
    """Inside, notes which part made which distribution."""
    made: list[tuple[Any, str]] = []
    parts = [part for part in model.modules() if isinstance(part, Prior | Posterior | Likelihood)]
    hooks = [part.register_forward_hook(lambda one, _, out: made.append((out, type(one).__name__))) for part in parts]
    try:
        yield made
    finally:
        for hook in hooks:
            hook.remove()


def _called(one: Any, makers: list[tuple[Any, str]]) -> str:
    for made, name in makers:
        if made is one:
            return _words(name)
    while hasattr(one, "base_dist"):
        one = one.base_dist
    return _words(type(one).__name__)


def _words(name: str) -> str:
    """The name of a class in words.

    Example:
        >>> [_words(name) for name in ("StandardNormalPrior", "IAFPosterior", "ContinuousBernoulliLikelihood")]
        ['Standard Normal Prior', 'IAF', 'Continuous Bernoulli']
    """
    return " ".join(_WORD.split(_SUFFIX.sub("", name.lstrip("_")) or name))
