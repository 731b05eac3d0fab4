"""The errors of estimators, against repeated estimates."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.evaluation import About, EvidenceQuestion
from lvm_experiments.observations import Identity
from lvm_experiments.spec import DataSpec
from tests.support.linear_gaussian import LinearGaussian

pytestmark = pytest.mark.usefixtures("float64")


def values(examples: int, errors: float, effective: float) -> dict[str, np.ndarray]:
    names = ("elbo", "rate", "distortion", "log_evidence")
    found = {name: np.linspace(-1.0, 1.0, examples) for name in names}
    found |= {f"{name}_error": np.full(examples, errors) for name in names}
    return found | {"effective_samples": np.full(examples, effective)}


def about(examples: int) -> About:
    lg = LinearGaussian.make()
    return About(lg.model(), Identity(DataSpec("real", (5,))), "test", examples)


def test_the_bias_of_a_log_does_not_average_out() -> None:
    question = EvidenceQuestion(100, 100, 0)
    found = {m.name: m for m in question.summarise(values(400, 0.2, 50.0), about(400))}
    noise = 0.2 / 20
    assert found["test/elbo"].monte_carlo_error == pytest.approx(noise)
    assert found["test/nll"].monte_carlo_error == pytest.approx(np.hypot(noise, 0.02))


def test_few_effective_draws_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    question = EvidenceQuestion(100, 100, 0)
    with caplog.at_level(logging.WARNING):
        question.summarise(values(10, 0.2, 50.0), about(10))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        question.summarise(values(10, 0.9, 1.3), about(10))
    assert "raise evaluation.num_samples" in caplog.text


def test_errors_are_those_of_repeated_estimates() -> None:
    """400 repeats of K = 20: the stated error within 15 % of the scatter, whose own error is 3.5 %."""
    torch.manual_seed(0)
    lg = LinearGaussian.make()
    x, model = lg.simulate(1), lg.model(stretch=1.5)
    question, spread, stated = EvidenceQuestion(20, 20, 0), {}, {}
    for seed in range(400):
        question.seed = seed
        found = question.per_example(model, Identity(DataSpec("real", (5,))), Batch(x, index=torch.arange(1)), x)
        for name in ("elbo", "distortion"):
            spread.setdefault(name, []).append(found[name].item())
            stated.setdefault(name, []).append(found[f"{name}_error"].item())
    for name, estimates in spread.items():
        assert np.sqrt(np.mean(np.square(stated[name]))) == pytest.approx(np.std(estimates), rel=0.15)
