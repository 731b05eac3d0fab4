"""Posteriors whose draws carry no gradient, against going through all their values."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.objectives import ELBO, GECO, IWAE, Capacity, Objective, Progress
from lvm_experiments.posteriors import DiagonalNormalPosterior
from lvm_experiments.priors import StandardNormalPrior
from tests.objectives.models import Told, discrete, flat, gradients, log_tables, mean_gradient, small_vae
from tests.support.tiny import IMAGES

pytestmark = pytest.mark.usefixtures("float64")
X = IMAGES[5:6]


def weighed_bound(model: Told, *, rate: float = 1.0, distortion: float = 1.0) -> Tensor:
    """The loss of the evidence lower bound with weights, summed over all z."""
    log_joint, log_q = log_tables(model, X)
    log_prior = -2 * math.log(3)
    return (log_q.exp() * (rate * (log_q - log_prior) - distortion * (log_joint - log_prior))).sum()


def importance_bound(model: Told, K: int) -> Tensor:
    """Minus the K-sample bound, summed over all K-tuples of z."""
    log_joint, log_q = (table[:, 0] for table in log_tables(model, X))
    index = torch.tensor(list(product(range(9), repeat=K)))
    bound = torch.logsumexp((log_joint - log_q)[index], 1) - math.log(K)
    return -(log_q[index].sum(1).exp() * bound).sum()


@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize(
    ("objective", "truth"),
    [
        (lambda K: ELBO(K), lambda model, K: weighed_bound(model)),
        (lambda K: ELBO(K, beta=3.0), lambda model, K: weighed_bound(model, rate=3.0)),
        (lambda K: Capacity(K, gamma=5.0, capacity=100.0), lambda model, K: weighed_bound(model, rate=-5.0)),
        (lambda K: IWAE(K), importance_bound),
    ],
    ids=["elbo", "beta", "capacity", "iwae"],
)
def test_the_expected_gradient_is_that_of_the_expectation(
    objective: Callable[[int], Objective], truth: Callable[[Told, int], Tensor], K: int
) -> None:
    """No Monte Carlo on either side: every draw there can be, by its probability."""
    model = discrete()
    found = flat(mean_gradient(objective(K), model, X, K))
    wanted = flat(gradients(truth(model, K), model))
    assert torch.allclose(found, wanted, atol=1e-12)
    assert wanted.abs().max() > 0.1


def test_so_it_is_for_three_draws() -> None:
    model = discrete()
    found = flat(mean_gradient(IWAE(3), model, X, 3))
    assert torch.allclose(found, flat(gradients(importance_bound(model, 3), model)), atol=1e-12)


def test_so_it_is_under_a_multiplier() -> None:
    model = discrete()
    objective = GECO(1, rate=1e-9)
    objective.multiplier.fill_(4.0)
    found = flat(mean_gradient(objective, model, X, 1))
    assert torch.allclose(found, flat(gradients(weighed_bound(model, distortion=4.0), model)), atol=1e-5)


@pytest.mark.parametrize("kind", [ELBO, IWAE])
def test_baselines_lower_the_variance(kind: type) -> None:
    """Of the mean of as many gradients of single draws."""
    model = discrete()

    def variance(objective: Objective, copies: int) -> float:
        rows = []
        for seed in range(200):
            torch.manual_seed(seed)
            loss = objective(model, Batch(X.expand(copies, -1)), Progress()).loss["model"]
            rows.append(flat(gradients(loss, model.posterior)))
        return torch.stack(rows).var(0).sum().item()

    assert variance(kind(8), 1) < 0.5 * variance(kind(1), 8)


def test_the_value_is_the_bound_s() -> None:
    model = discrete()
    torch.manual_seed(7)
    draw = model.draw(IMAGES, 5)
    for objective, truth in (
        (ELBO(5), draw.log_lik.mean(0) - draw.kl),
        (IWAE(5), torch.logsumexp(draw.log_weight, 0) - math.log(5)),
    ):
        torch.manual_seed(7)
        loss = objective(model, Batch(IMAGES), Progress()).loss["model"]
        assert loss.item() == pytest.approx(-truth.mean().item(), rel=1e-12)


def test_such_a_pair_is_warned_of_once_and_others_are_not() -> None:
    for kind in (ELBO, IWAE, GECO, Capacity):
        one, several, other = kind(num_samples=1), kind(num_samples=9), kind(num_samples=1)
        one.bind(discrete())
        several.bind(discrete())
        other.bind(small_vae(DiagonalNormalPosterior, StandardNormalPrior))
        (text,) = one.warnings(Progress())
        assert "CodesOfThree carry no gradient" in text
        assert "raise objective.num_samples" in text
        (text,) = several.warnings(Progress())
        assert "more objective.num_samples lower it" in text
        assert other.warnings(Progress()) == []
