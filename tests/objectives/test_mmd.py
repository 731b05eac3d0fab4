"""The maximum mean discrepancy, and objectives made of it."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.errors import RequestError
from lvm_experiments.objectives import ELBO, WAE, Info, Objective, Progress
from lvm_experiments.objectives.mmd import SCALES, mmd, multiscale
from lvm_experiments.objectives.prior_draws import prior_draws
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import DiagonalNormalPrior, MixtureOfNormalsPrior, NSFPrior, StandardNormalPrior, VampPrior
from tests.objectives.models import flat, gradients, small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
KINDS = ["rbf", "imq"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_statistic_is_that_of_a_calculation_by_hand(kind: str) -> None:
    """Pair by pair."""
    K, B, L, scales = 2, 5, 3, (0.2, 1.0, 5.0)
    x, y = torch.randn(K, B, L), 1 + torch.randn(K, B, L)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        square = ((a - b) ** 2).sum()
        widths = [2 * L * s for s in scales]
        return sum(math.exp(-square / c) if kind == "rbf" else c / (c + square) for c in widths)

    total = 0.0
    for a, b in zip(x.numpy(), y.numpy(), strict=True):
        for i in range(B):
            for j in range(B):
                if i != j:
                    total += (kernel(a[i], a[j]) + kernel(b[i], b[j])) / (B * (B - 1))
                total -= 2 * kernel(a[i], b[j]) / B**2
    found = mmd(x, y, multiscale(kind, scales, L))  # type: ignore[arg-type]
    assert found.item() == pytest.approx(total / K, rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("B", [2, 7])
def test_it_is_0_in_expectation_where_both_are_drawn_alike(kind: str, B: int) -> None:
    kernel = multiscale(kind, SCALES, 3)  # type: ignore[arg-type]
    found = torch.stack([mmd(*torch.randn(2, 20, B, 3), kernel) for _ in range(400)])
    error = found.std() / len(found) ** 0.5
    assert abs(found.mean()) < 4 * error
    assert (found < 0).any()  # as an unbiased estimate of 0 has to be
    assert error < 0.03


def test_it_is_that_of_normal_distributions_in_expectation() -> None:
    """In closed form: E exp(-d^2 / C) = (1 + 2v / C)^(-L/2) exp(-|m|^2 / (C + 2v)) for d ~ N(m, v I)."""
    L, scale, B = 3, 0.5, 10
    m, s = torch.tensor([0.7, -0.3, 0.4]), 0.6
    C = 2 * L * scale

    def expected(v: float, square: float) -> float:
        return (1 + 2 * v / C) ** (-L / 2) * math.exp(-square / (C + 2 * v))

    truth = expected(2 * s**2, 0.0) + expected(2.0, 0.0) - 2 * expected(1 + s**2, (m**2).sum().item())
    kernel = multiscale("rbf", [scale], L)
    found = torch.stack([mmd(m + s * torch.randn(20, B, L), torch.randn(20, B, L), kernel) for _ in range(400)])
    error = found.std().item() / len(found) ** 0.5
    assert found.mean().item() == pytest.approx(truth, abs=4 * error)
    assert truth > 20 * error


def test_a_single_draw_has_none() -> None:
    assert mmd(*torch.randn(2, 3, 1, 4), multiscale("imq", SCALES, 4)).item() == 0.0


def test_coinciding_draws_have_finite_gradients() -> None:
    x = torch.zeros(1, 4, 2, requires_grad=True)
    mmd(x, torch.zeros(1, 4, 2), multiscale("rbf", [1.0], 2)).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


# ---- objectives


def parts(seed: int, K: int, kind: str, scales: tuple[float, ...]) -> tuple[float, float, float]:
    """Distortion, rate and discrepancy with the noise that an objective takes after `seed`."""
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    torch.manual_seed(seed)
    draw = model.draw(IMAGES, K)
    apart = mmd(draw.z["z"], torch.randn(K, 8, 2), multiscale(kind, scales, 2))  # type: ignore[arg-type]
    return -draw.log_lik.mean().item(), draw.kl.mean().item(), apart.item()


def loss_of(objective: Objective, seed: int) -> float:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    torch.manual_seed(seed)
    return objective(model, Batch(IMAGES), Progress()).loss["model"].item()


@pytest.mark.parametrize(
    ("alpha", "weight", "rate", "discrepancy"),
    [(0.0, 1.0, 1.0, 0.0), (0.5, 10.0, 0.5, 9.5), (1.0, 7.0, 0.0, 7.0), (-3.0, 4.0, 4.0, 0.0)],
)
def test_the_weights_of_infovae(alpha: float, weight: float, rate: float, discrepancy: float) -> None:
    torch.manual_seed(1)
    truth = parts(7, 3, "rbf", (0.5, 2.0))
    torch.manual_seed(1)
    found = loss_of(Info(3, alpha=alpha, weight=weight, scales=(0.5, 2.0)), 7)
    assert found == pytest.approx(truth[0] + rate * truth[1] + discrepancy * truth[2], rel=1e-10)


def test_infovae_without_a_weight_of_its_own_is_the_evidence_lower_bound() -> None:
    losses = []
    for objective in (ELBO(2), Info(2, alpha=0.0, weight=1.0)):
        torch.manual_seed(1)
        losses.append(loss_of(objective, 7))
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def test_the_discrepancy_has_no_negative_weight() -> None:
    with pytest.raises(ValueError, match="less than 1 - alpha"):
        Info(alpha=0.5, weight=0.4)


def test_the_loss_of_a_wasserstein_autoencoder() -> None:
    torch.manual_seed(1)
    truth = parts(7, 2, "imq", SCALES)
    torch.manual_seed(1)
    assert loss_of(WAE(2, weight=5.0), 7) == pytest.approx(truth[0] + 5 * truth[2], rel=1e-10)


@pytest.mark.parametrize("objective", [WAE(), Info()])
def test_one_example_alone_has_a_finite_loss_and_gradients(objective: Objective) -> None:
    model = small_vae(DiagonalNormalPosterior, StandardNormalPrior)
    found = objective(model, Batch(IMAGES[:1]), Progress())
    assert torch.isfinite(flat(gradients(found.loss["model"], model))).all()
    assert found.terms["mmd"].tolist() == [0.0]


@pytest.mark.parametrize("prior", [DiagonalNormalPrior, partial(NSFPrior, hidden=[8])])
@pytest.mark.parametrize("objective", [WAE(), Info(alpha=1.0)])
def test_a_prior_whose_draws_carry_gradients_learns(objective: Objective, prior: type) -> None:
    model = small_vae(DiagonalNormalPosterior, prior)
    objective.check(model)
    objective(model, Batch(IMAGES), Progress()).loss["model"].backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in model.prior.parameters())


@pytest.mark.parametrize("prior", [MixtureOfNormalsPrior, partial(VampPrior, number=3, start="random")])
def test_a_prior_that_would_learn_nothing_is_refused(prior: type) -> None:
    model = small_vae(DiagonalNormalPosterior, prior)
    for objective in (WAE(), Info(alpha=1.0)):
        with pytest.raises(RequestError, match=f"^objective: {type(objective).__name__} takes draws of the prior and"):
            objective.check(model)
    Info(alpha=0.9).check(model)  # the rate has its density


def test_as_many_draws_of_the_prior_as_of_the_posterior() -> None:
    model = small_vae(DiagonalNormalPosterior, partial(VampPrior, number=3, start="random", learned=False))
    WAE().check(model)
    step = model.draw(IMAGES, 5).steps["z"]
    assert prior_draws(step).shape == step.z.shape == (5, 8, 2)


def test_that_no_bound_is_trained_is_said() -> None:
    for objective in (WAE(), Info(alpha=1.0)):
        assert len(objective.warnings(Progress())) == 1
    assert Info().warnings(Progress()) == []
