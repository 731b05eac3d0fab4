"""The optimisers against their formulas in numpy, and what a resumed one does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lvm_experiments.optimizers import AdamNormGrad, IWAEAdam

KINDS = [AdamNormGrad, partial(AdamNormGrad, fused=True), IWAEAdam]
STEPS = 7


def gradients(shapes: list[tuple[int, ...]]) -> list[list[np.ndarray]]:
    """Of very different lengths, as those of different layers are."""
    rng = np.random.default_rng(0)
    return [[rng.normal(size=shape) * 10.0 ** (3 * i - 2) for i, shape in enumerate(shapes)] for _ in range(STEPS)]


def run(kind: Callable[..., Any], begin: list[np.ndarray], given: list[list[np.ndarray]], **options: Any) -> Any:
    parameters = [nn.Parameter(torch.tensor(p)) for p in begin]
    optimizer = kind(parameters, **options)
    for step in given:
        for p, g in zip(parameters, step, strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()
    return parameters, optimizer


def adam_norm_grad(p: np.ndarray, given: list[np.ndarray], lr: float, b1: float, b2: float, eps: float) -> np.ndarray:
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t, gradient in enumerate(given, start=1):
        g = gradient / (np.sqrt((gradient**2).sum()) + 1e-7)
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        p = p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return p


def iwae_adam(p: np.ndarray, given: list[np.ndarray], lr: float, b1: float, b2: float, eps: float) -> np.ndarray:
    m, v = np.zeros_like(p), np.ones_like(p)
    for t, g in enumerate(given, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        p = p - lr * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)
    return p


@pytest.mark.parametrize(
    ("kind", "formula", "betas", "eps"),
    [
        (KINDS[0], adam_norm_grad, (0.9, 0.999), 1e-8),
        (KINDS[1], adam_norm_grad, (0.7, 0.9), 1e-3),
        (KINDS[2], iwae_adam, (0.99, 0.999), 1e-4),
        (KINDS[2], iwae_adam, (0.5, 0.8), 0.3),
    ],
)
def test_it_is_its_formula(kind: Any, formula: Any, betas: tuple[float, float], eps: float) -> None:
    shapes: list[tuple[int, ...]] = [(3, 4), (5,), ()]
    start = [np.random.default_rng(1).normal(size=shape) for shape in shapes]
    given = gradients(shapes)
    found, _ = run(kind, start, given, lr=0.03, betas=betas, eps=eps)
    for i, p in enumerate(found):
        expected = formula(start[i], [step[i] for step in given], 0.03, *betas, eps)
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_one_is_the_same_to_the_bit(kind: Any) -> None:
    shapes: list[tuple[int, ...]] = [(3, 4), (5,)]
    start = [np.random.default_rng(1).normal(size=shape).astype(np.float32) for shape in shapes]
    given = [[g.astype(np.float32) for g in step] for step in gradients(shapes)]
    whole, _ = run(kind, start, given)
    half, stopped = run(kind, start, given[:3])
    state = copy.deepcopy(stopped.state_dict())
    assert all(isinstance(x, torch.Tensor) for each in state["state"].values() for x in each.values())
    parameters = [nn.Parameter(p.detach().clone()) for p in half]
    resumed = kind(parameters)
    resumed.load_state_dict(state)
    for step in given[3:]:
        for p, g in zip(parameters, step, strict=True):
            p.grad = torch.tensor(g)
        resumed.step()
    assert all(torch.equal(a, b) for a, b in zip(whole, parameters, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_may_come_from_a_closure_and_be_missing(kind: Any) -> None:
    p, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimizer = kind([p, unused], lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 2.0
    assert (p < 1).all()
    assert torch.equal(unused, torch.ones(2))


def test_the_scale_of_a_loss_changes_nothing_of_what_is_brought_to_length_one() -> None:
    given = gradients([(3, 4)])
    start = [np.ones((3, 4))]
    ends = [run(AdamNormGrad, start, [[scale * g for g in step] for step in given])[0][0] for scale in (1.0, 1e4)]
    # 1e-7 beside lengths of 0.03 and more.
    assert torch.allclose(*ends, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_scale_that_sixteen_bits_want_is_taken_back_first(kind: Any) -> None:
    """As torch's scaler does it: a fused Adam would do it itself, after its gradients were brought to length one."""
    g, ends = torch.randn(300, 100, generator=torch.Generator().manual_seed(0)), []
    for scaled in (False, True):
        p = nn.Parameter(torch.zeros(300, 100))
        optimizer, scaler = kind([p]), torch.amp.GradScaler("cpu", enabled=scaled)
        scaler.scale((p * g).sum()).backward()
        scaler.step(optimizer)
        ends.append(p.detach())
    assert torch.allclose(*ends, rtol=1e-4)


def test_steps_of_moments_that_begin_at_one_grow() -> None:
    p = nn.Parameter(torch.zeros(1))
    optimizer = IWAEAdam([p], lr=1e-3)
    sizes = []
    for _ in range(3000):
        before = p.item()
        p.grad = torch.full((1,), 0.1)
        optimizer.step()
        sizes.append(before - p.item())
    # Adam's own would be 1e-3 all the while.
    assert sizes[0] < 1e-5
    assert sizes[0] < sizes[100] < sizes[999] < sizes[-1] < 1e-3
    assert sizes[-1] > 3e-4


def test_the_mean_over_a_batch_is_its_sum_with_smaller_constants() -> None:
    given, start, B = gradients([(3, 4)]), [np.ones((3, 4))], 20
    (whole,), _ = run(IWAEAdam, start, given, lr=0.1)
    (mean,), _ = run(IWAEAdam, start, [[g / B for g in step] for step in given], lr=0.1, eps=1e-4 / B, start=B**-2)
    assert torch.allclose(whole, mean, rtol=1e-10)


def test_moments_that_never_decay_are_refused() -> None:
    with pytest.raises(ValueError, match="betas lie below 1"):
        IWAEAdam([nn.Parameter(torch.zeros(1))], betas=(0.9, 1.0))
