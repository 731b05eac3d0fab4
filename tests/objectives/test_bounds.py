"""Bounds made of importance weights, against each other and against log p(x)."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.configuration import check, compose
from lvm_experiments.objectives import (
    CIWAE,
    ELBO,
    IWAE,
    PIWAE,
    STL,
    TVO,
    VR,
    DReG,
    Losses,
    MultipleIWAE,
    Objective,
    Progress,
)
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import VampPrior
from tests.objectives.models import flat, gradients, small_vae
from tests.support.linear_gaussian import LinearGaussian
from tests.support.tiny import IMAGES, Tiny

pytestmark = pytest.mark.usefixtures("float64")
BATCH = Batch(IMAGES)


def losses(objective: Objective, model: object, seed: int = 7) -> Losses:
    torch.manual_seed(seed)
    return objective(model, BATCH, Progress())


def log_weights(model: object, K: int) -> np.ndarray:
    """With the noise of `losses`."""
    torch.manual_seed(7)
    return model.draw(IMAGES, K).log_weight.detach().numpy()  # type: ignore[attr-defined]


def same(one: Objective, other: Objective, rel: float = 1e-12) -> None:
    """The same loss and the same gradients with the same noise."""
    model = Tiny.make().model
    a, b = losses(one, model).loss["model"], losses(other, model).loss["model"]
    assert a.item() == pytest.approx(b.item(), rel=rel)
    assert torch.allclose(flat(gradients(a, model)), flat(gradients(b, model)), rtol=rel, atol=10 * rel)


def by_log_weights(K: int) -> Objective:
    """The evidence lower bound in its log-weight form."""
    return CIWAE(num_samples=K, beta=1.0)


# ---- values and ends


@pytest.mark.parametrize("K", [1, 6])
def test_the_values_are_those_of_a_calculation_by_hand(K: int) -> None:
    model = Tiny.make().model
    w = np.exp(log_weights(model, K))
    for alpha in (-1.0, 0.5, 2.0):
        truth = np.log((w ** (1 - alpha)).mean(0)) / (1 - alpha)
        np.testing.assert_allclose(losses(VR(K, alpha), model).terms["vr"], truth, rtol=1e-10)
    combined = 0.3 * np.log(w).mean(0) + 0.7 * np.log(w.mean(0))
    assert losses(CIWAE(K, beta=0.3), model).loss["model"].item() == pytest.approx(-combined.mean(), rel=1e-10)
    groups = np.exp(log_weights(model, 3 * K)).reshape(3, K, 8)
    for objective in (MultipleIWAE(K, 3), PIWAE(K, 3)):
        found = losses(objective, model)
        np.testing.assert_allclose(found.terms["iw_elbo"], np.log(groups.mean(1)).mean(0), rtol=1e-10)
        assert found.loss["model"].item() == pytest.approx(-np.log(groups.mean(1)).mean(), rel=1e-10)
    np.testing.assert_allclose(found.terms["iw_elbo_of_all"], np.log(groups.mean((0, 1))), rtol=1e-10)


def test_one_draw_makes_the_evidence_lower_bound_of_all() -> None:
    for objective in (IWAE(1), VR(1, 0.5), CIWAE(1), MultipleIWAE(1, 1), PIWAE(1, 1)):
        same(objective, by_log_weights(1))


def test_the_log_weight_form_is_the_mean_log_weight() -> None:
    model = Tiny.make().model
    assert losses(by_log_weights(4), model).loss["model"].item() == pytest.approx(-log_weights(model, 4).mean())


def test_the_ends_of_the_families() -> None:
    same(VR(6, alpha=0.0), IWAE(6))
    same(VR(6, alpha=1.0), by_log_weights(6))
    same(CIWAE(6, beta=0.0), IWAE(6))
    same(MultipleIWAE(6, 1), IWAE(6))
    same(MultipleIWAE(1, 6), by_log_weights(6))
    same(PIWAE(6, 1), IWAE(6))


def test_the_renyi_bound_goes_to_its_ends() -> None:
    same(VR(6, alpha=1 - 1e-6), by_log_weights(6), rel=1e-4)
    same(VR(6, alpha=1 + 1e-6), by_log_weights(6), rel=1e-4)
    model = Tiny.make().model
    log_w = torch.tensor(log_weights(model, 6))
    assert torch.equal(VR(6, -math.inf).bound(log_w), log_w.amax(0))
    assert torch.equal(VR(6, math.inf).bound(log_w), log_w.amin(0))
    assert torch.allclose(VR(6, -1e5).bound(log_w), log_w.amax(0), atol=1e-4)
    assert torch.allclose(VR(6, 1e5).bound(log_w), log_w.amin(0), atol=1e-4)
    bounds = torch.stack([VR(6, alpha).bound(log_w) for alpha in (-math.inf, -2.0, 0.0, 0.5, 1.0, 2.0, math.inf)])
    assert (bounds.diff(dim=0) < 0).all()


def test_the_largest_weight_may_be_asked_for() -> None:
    config = compose(["objective=vr", "objective.alpha=-inf"])
    check(config)
    assert config.objective.alpha == -math.inf


@pytest.mark.parametrize("prior", ["standard", "vamp"])
def test_the_uses_of_parameters_climb_their_own_bounds(prior: str) -> None:
    """Of PIWAE. A VampPrior's encoder climbs one bound as a prior and the other one as an inference."""
    K, M = 4, 3
    if prior == "vamp":
        model = small_vae(DiagonalNormalPosterior, partial(VampPrior, number=3, start="random", spread=1.0))
    else:
        model = Tiny.make().model
    found = gradients(losses(PIWAE(K, M), model).loss["model"], model)
    torch.manual_seed(7)
    draw = model.draw(IMAGES, K * M)
    # At fixed latents only what p uses moves; the rest of the whole gradient is the inference's.
    held = model.log_joint(BATCH, {"z": draw.z["z"].detach()})
    groups = draw.log_weight.unflatten(0, (M, K))
    mean_of_bounds = (torch.logsumexp(groups, 1) - math.log(K)).mean(0)
    v = (groups.softmax(1) / M).flatten(0, 1).detach()
    inference = flat(gradients(-mean_of_bounds.mean(), model)) + flat(gradients((v * held).sum(0).mean(), model))
    u = draw.log_weight.softmax(0).detach()
    generative = flat(gradients(-(u * held).sum(0).mean(), model))
    assert torch.allclose(flat(found), inference + generative, atol=1e-12)
    if prior == "standard":
        whole, several = (losses(objective, model).loss["model"] for objective in (IWAE(K * M), MultipleIWAE(K, M)))
        for part, bound in (("decoder", whole), ("encoder", several), ("posterior", several)):
            module = getattr(model, part)
            mine = flat(gradients(losses(PIWAE(K, M), model).loss["model"], module))
            assert torch.allclose(mine, flat(gradients(bound, module)), atol=1e-12)
            other = several if bound is whole else whole
            assert not torch.allclose(mine, flat(gradients(other, module)), atol=1e-4)


# ---- against log p(x)

LOWER = [
    ELBO(4),
    by_log_weights(4),
    IWAE(4),
    DReG(4),
    STL(4),
    VR(4, alpha=0.5),
    VR(4, alpha=2.0),
    CIWAE(4, beta=0.3),
    MultipleIWAE(2, 2),
    PIWAE(2, 2),
    TVO(4, pieces=1),
    TVO(4, pieces=4, first=0.05),
]


def mean_bound(objective: Objective, model: object, repeats: int = 25, copies: int = 60) -> tuple[float, float]:
    """The bound's mean over all images, minus the loss, and its standard error."""
    batch = Batch(IMAGES.repeat(copies, 1))
    torch.manual_seed(3)
    with torch.no_grad():
        found = [-objective(model, batch, Progress()).loss["model"].item() for _ in range(repeats)]
    return float(np.mean(found)), float(np.std(found, ddof=1) / repeats**0.5)


@pytest.mark.parametrize("objective", LOWER, ids=lambda o: type(o).__name__)
def test_no_bound_is_above_log_p(objective: Objective) -> None:
    """The posterior is not the exact one, so each is clearly below, and near."""
    tiny = Tiny.make()
    bound, error = mean_bound(objective, tiny.model)
    truth = tiny.log_p.mean().item()
    assert bound < truth + 4 * error
    assert truth - 2 < bound < truth - 4 * error


def test_more_draws_make_the_bound_tighter() -> None:
    tiny = Tiny.make()
    found = [mean_bound(IWAE(K), tiny.model) for K in (1, 2, 5, 25)]
    for (low, e), (high, f) in pairwise(found):
        assert high - low > 4 * math.hypot(e, f)
    gap = tiny.log_p.mean().item() - found[-1][0]
    assert 0 < gap < 0.1 * (tiny.log_p.mean().item() - found[0][0])


def test_at_the_exact_posterior_all_are_log_p() -> None:
    lg = LinearGaussian.make(1.0)
    x: Tensor = lg.simulate(3)
    model, truth = lg.model(), -lg.log_p(x).mean().item()
    for objective in LOWER[1:]:
        torch.manual_seed(1)
        assert objective(model, Batch(x), Progress()).loss["model"].item() == pytest.approx(truth, abs=1e-9)
