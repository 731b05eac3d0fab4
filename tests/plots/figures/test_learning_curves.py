from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lvm_experiments.plots import catalogue
from tests.plots.kinds import HISTORY, changed, levels, words


def drawn(history: list[dict[str, Any]], monitor: str = "val/elbo") -> Any:
    return catalogue()["learning_curves"].draw(changed(levels(), history=history, monitor=monitor))


def curves(axes: Any) -> dict[str, tuple[list[float], list[float]]]:
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_both_splits_and_the_best_epoch() -> None:
    figure = drawn(HISTORY)
    (axes,) = figure.axes
    found = curves(axes)
    assert found["training"] == ([0, 1, 2], [-60, -40, -35])
    assert found["validation"] == ([0, 1, 2], [-50, -41.5, -43])
    assert found["best epoch"] == ([1], [-41.5])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "elbo (nats)")
    assert "best val/elbo: −41.50 nats in epoch 1" in words(figure)


def test_the_monitor_s_own_direction_decides() -> None:
    history = [{"epoch": e, "val/rate": 5.0, "val/nll": v} for e, v in enumerate((9.0, 3.0, 4.0))]
    assert curves(drawn(history, "val/nll").axes[0])["best epoch"] == ([1], [3])


def test_another_monitor_gets_a_panel_of_its_own() -> None:
    figure = drawn(HISTORY, "val/iw_elbo")
    bound, monitored = figure.axes
    assert (bound.get_ylabel(), monitored.get_ylabel()) == ("elbo (nats)", "iw_elbo (nats)")
    assert curves(monitored)["best epoch"] == ([2], [-39])
    assert "best epoch" not in curves(bound)


def test_rows_of_an_epoch_are_averaged_and_blanks_left_out() -> None:
    history = [
        {"epoch": "0", "train/elbo": "-10", "val/elbo": ""},
        {"epoch": "0", "train/elbo": "-20"},
        {"epoch": "0", "train/elbo": "", "val/elbo": "-7"},
        {"step": "3", "train/elbo": "-1"},
        {"epoch": "1", "train/elbo": None, "val/elbo": "nan"},
    ]
    found = curves(drawn(history).axes[0])
    assert found["training"] == ([0], [-15])
    assert found["best epoch"] == ([0], [-7])


def test_no_history_no_figure() -> None:
    assert drawn([]) is None
    assert drawn([{"epoch": "0", "step": "1"}]) is None
    only = drawn([{"epoch": "0", "train/elbo": "-1"}])
    assert "best" not in words(only)


def test_a_steep_beginning_is_not_allowed_to_flatten_the_rest() -> None:
    values = [-1000.0, -500.0, *np.linspace(-105, -100, 98)]
    figure = drawn([{"epoch": e, "val/elbo": v} for e, v in enumerate(values)])
    bottom, top = figure.axes[0].get_ylim()
    assert -110 < bottom < -105
    assert top == pytest.approx(-100, abs=1)
    even = drawn([{"epoch": e, "val/elbo": float(e)} for e in range(100)])
    assert even.axes[0].get_ylim()[0] <= 0
