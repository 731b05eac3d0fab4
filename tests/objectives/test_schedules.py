from __future__ import annotations

import pytest

from lvm_experiments.objectives import ELBO, Capacity, Cyclic, Progress, Schedule, Sigmoid


@pytest.mark.parametrize(
    ("progress", "weight"),
    [
        (Progress(epoch=0), 0.1),
        (Progress(epoch=1, step=99), 0.1 + 0.9 / 6),
        (Progress(epoch=5), 0.1 + 0.9 * 5 / 6),
        (Progress(epoch=6), 1.0),
        (Progress(epoch=7), 1.0),
        (Progress(epoch=8), 0.1),
        (Progress(epoch=8 * 40 + 3), 0.55),
    ],
)
def test_a_cycle_rises_stays_and_begins_again(progress: Progress, weight: float) -> None:
    assert Cyclic(duration=8, rise=0.75, start=0.1)(progress) == pytest.approx(weight)


def test_four_cycles_spend_half_of_their_time_at_1() -> None:
    """As in the source: M = 4, R = 0.5."""
    schedule = Cyclic(duration=250, unit="step")
    weights = [schedule(Progress(step=t)) for t in range(1000)]
    assert weights[:250] * 4 == weights
    assert sum(w == 1 for w in weights) == 500
    assert sum(weights) / 1000 == pytest.approx(0.5 + 0.25, abs=3e-3)


def test_a_cycle_that_does_not_rise_is_at_1() -> None:
    assert [Cyclic(duration=3, rise=0.0)(Progress(epoch=e)) for e in range(4)] == [1.0] * 4


@pytest.mark.parametrize(
    ("step", "weight"),
    [(0, 0.0019267), (1000, 0.0229774), (2500, 0.5), (4000, 0.9770226), (10**9, 1.0)],
)
def test_the_logistic_curve_of_bowman_s_paper(step: int, weight: float) -> None:
    """1 / (1 + exp(-0.0025 (t - 2500))), by hand."""
    schedule = Sigmoid(middle=2500, rate=0.0025, unit="step")
    assert schedule(Progress(step=step)) == pytest.approx(weight, abs=1e-7)
    assert Sigmoid()(Progress(epoch=step // 250)) == pytest.approx(weight, abs=1e-7)


def test_far_from_the_middle_nothing_overflows() -> None:
    assert Sigmoid(middle=1e6, rate=1e3)(Progress(epoch=0)) == 0.0


@pytest.mark.parametrize(
    ("schedule", "progress", "late"),
    [
        (Cyclic(duration=10), Progress(epochs=5), True),
        (Cyclic(duration=10), Progress(epochs=6), False),
        (Cyclic(duration=5), Progress(epochs=3), True),  # after 2.5, which is at 3
        (Cyclic(duration=5), Progress(epochs=4), False),
        (Cyclic(duration=10, unit="step"), Progress(epochs=1, steps=6), False),
        (Cyclic(duration=10), Progress(), False),
        (Sigmoid(middle=10, rate=1.0), Progress(epochs=15), True),
        (Sigmoid(middle=10, rate=1.0), Progress(epochs=16), False),
        (Sigmoid(), Progress(), False),
    ],
)
def test_one_that_outlasts_training_is_warned_of(schedule: Schedule, progress: Progress, *, late: bool) -> None:
    for objective in (ELBO(schedule=schedule), Capacity(schedule=schedule)):
        warnings = objective.warnings(progress)
        assert len(warnings) == late
        assert all(f"objective.schedule.{schedule.length}" in text for text in warnings)
    if progress.epochs and not late:
        reached = max(schedule(Progress(epoch=t, step=t)) for t in range(max(progress.epochs, progress.steps)))
        assert reached >= 0.99
