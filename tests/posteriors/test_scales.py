"""Scales of diagonal normal posteriors against numpy, at their limits, and the weights they begin with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from lvm_experiments.posteriors import (
    ClippedNormalPosterior,
    DiagonalNormalPosterior,
    Posterior,
    SoftplusNormalPosterior,
)

CLIPPED = partial(ClippedNormalPosterior, low=-6.0, high=2.0)
SCALES: dict[str, tuple[Callable[..., Posterior], Callable[[np.ndarray], np.ndarray]]] = {
    "exponential": (DiagonalNormalPosterior, np.exp),
    "clipped": (CLIPPED, lambda a: np.exp(np.clip(a, -6, 2) / 2)),
    "softplus": (SoftplusNormalPosterior, lambda a: np.logaddexp(0, a + 0.25)),
    "variance": (
        partial(SoftplusNormalPosterior, shift=0.0, power=0.5),
        lambda a: np.sqrt(np.logaddexp(0, a)),
    ),
}


@pytest.mark.parametrize("name", sorted(SCALES))
@pytest.mark.usefixtures("float64")
def test_a_scale_is_its_formula_s(name: str) -> None:
    build, formula = SCALES[name]
    posterior, h = build(4, 3), 10 * torch.randn(200, 4)
    loc, raw = posterior.parameters_of(h).detach().chunk(2, -1)
    q = posterior(h)
    assert torch.equal(q.loc, loc)
    np.testing.assert_allclose(q.stddev.detach(), formula(raw.numpy()), rtol=1e-6)


@pytest.mark.parametrize("raw", [-1e4, -200.0, -15.0, 0.0, 80.0])
@pytest.mark.parametrize("name", ["softplus", "variance"])
def test_far_out_scales_and_their_gradients_are_finite_in_32_bits(name: str, raw: float) -> None:
    a = torch.full((1,), raw, requires_grad=True)
    log_scale = SCALES[name][0](4, 3).log_scale(a)
    (slope,) = torch.autograd.grad(log_scale, a)
    assert log_scale.isfinite().all()
    # That of log softplus: from 1 down to nothing.
    assert slope.isfinite().all()
    assert (slope > 0).all()
    assert (slope <= 1).all()


def test_no_gradient_passes_a_clipped_scale() -> None:
    a = torch.tensor([-7.0, -5.0, 1.0, 3.0], requires_grad=True)
    (slope,) = torch.autograd.grad(CLIPPED(4, 3).log_scale(a).sum(), a)
    assert slope.tolist() == [0.0, 0.5, 0.5, 0.0]
    with pytest.raises(ValueError, match="between 2 and 2 there is none"):
        ClippedNormalPosterior(4, 3, low=2.0, high=2.0)


@pytest.mark.parametrize("kind", [DiagonalNormalPosterior, ClippedNormalPosterior, SoftplusNormalPosterior])
@pytest.mark.parametrize(("how", "variance"), [("glorot", 2 / (300 + 200)), ("he", 2 / 300), ("default", 1 / 900)])
def test_means_and_scales_begin_as_layers_of_their_own(
    kind: Callable[..., Posterior], how: str, variance: float
) -> None:
    """A layer of 300 to 200 means has the variance of that, not of one to 400 numbers."""
    torch.manual_seed(0)
    layer = kind(300, 200, initialisation=how).parameters_of
    for half in layer.weight.chunk(2):
        assert half.var().item() == pytest.approx(variance, rel=0.03)
    assert bool((layer.bias == 0).all()) == (how != "default")
