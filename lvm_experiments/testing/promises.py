"""What several contracts have in common."""

from __future__ import annotations

__all__ = [
    "STANDARD_ERRORS",
    "agrees_with_moments",
    "column_of",
    "example_of",
    "gradients_reach",
    "in_support",
    "require",
    "seeded",
    "survives_saving",
]

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lvm_experiments.spec import DataSpec, categories

# Of the largest of at most some thousand comparisons: passed by chance with probability 1 - 1e-6.
STANDARD_ERRORS = 6.0


def require(kept: object, promise: str) -> None:
    """Raises AssertionError with the promise where it is not kept."""
    if not bool(kept):
        raise AssertionError(promise)


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """The same draws at every call, and the generator as it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def example_of(spec: DataSpec, n: int) -> Tensor:
    """n made-up observations in the space of a description, shape `(n, *shape)`."""
    if spec.space == "mixed":
        return torch.cat([example_of(column_of(spec, d), n) for d in range(spec.dims)], -1)
    shape = (n, *spec.shape)
    if spec.space in ("binary", "bytes", "tokens"):
        return torch.randint(0, spec.levels or 2, shape).to(torch.get_default_dtype())
    if spec.space == "counts":
        return torch.poisson(torch.full(shape, 3.0))
    return torch.rand(shape) * 0.98 + 0.01 if spec.space in ("unit", "positive") else torch.randn(shape)


def column_of(spec: DataSpec, d: int) -> DataSpec:
    """A column of a table on its own, in the space of its type; `positive` is a column's only."""
    kind = spec.columns[d]
    if n := categories(kind):
        return DataSpec("bytes", (1,), levels=n)
    return DataSpec(kind, (1,), levels=2 if kind == "binary" else 0)


def in_support(spec: DataSpec, x: Tensor) -> bool:
    """Whether all values lie in the space of a description."""
    if not bool(torch.isfinite(x).all()):
        return False
    if spec.space == "mixed":
        return all(in_support(column_of(spec, d), x[..., d]) for d in range(spec.dims))
    if spec.space == "positive":
        return bool((x > 0).all())
    if spec.space == "unit":
        return bool(((x >= 0) & (x <= 1)).all())
    if spec.space in ("binary", "bytes", "tokens", "counts"):
        top = {"binary": 2, "counts": torch.inf}.get(spec.space, spec.levels) - 1
        return bool(((x == x.round()) & (x >= 0) & (x <= top)).all())
    return True


def gradients_reach(module: nn.Module, loss: Tensor, what: str) -> None:
    """Every parameter gets a finite gradient that is not all zero."""
    named = dict(module.named_parameters())
    if not named:
        return
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, retain_graph=True)
    for name, gradient in zip(named, found, strict=True):
        require(gradient is not None, f"gradients of {what} reach every parameter, not {name}")
        require(torch.isfinite(gradient).all(), f"gradients of {what} are finite, not at {name}")
        require((gradient != 0).any(), f"gradients of {what} are not all zero, as at {name}")


def survives_saving(make: Callable[[], nn.Module], ask: Callable[[nn.Module], Tensor]) -> None:
    """A second module that loads the first one's state gives the same answers."""
    first, second = make().eval(), make().eval()
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    second.load_state_dict(first.state_dict())
    with seeded(1):
        one = ask(first)
    with seeded(1):
        other = ask(second)
    require(torch.equal(one, other), "all that decides its answers is in state_dict()")


def agrees_with_moments(draws: Tensor, mean: Tensor, variance: Tensor | None, what: str) -> None:
    """Mean and variance of draws along the first axis are the stated ones, within 6 standard errors."""
    n, found = len(draws), draws.mean(0)
    gap = draws - found
    second = (gap**2).mean(0)
    floor = 1e-6 * (1 + mean.abs())
    error = STANDARD_ERRORS * (second / n).sqrt() + floor
    require(((found - mean).abs() <= error).all(), f"the mean of {what} is that of its draws")
    if variance is None:
        return
    error = STANDARD_ERRORS * (((gap**4).mean(0) - second**2).clamp_min(0) / n).sqrt()
    # The second order: all there is for a fair coin, whose variance does not move with its mean.
    error = error + 1e-5 * (variance + mean**2) + STANDARD_ERRORS**2 * second / n
    require(((second - variance).abs() <= error).all(), f"the variance of {what} is that of its draws")
