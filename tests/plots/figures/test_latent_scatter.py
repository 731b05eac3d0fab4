from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lvm_experiments.plots import catalogue
from tests.plots.kinds import changed, levels, words


def drawn(latent_mean: np.ndarray, label: Any) -> Any:
    context = changed(levels(latent_mean.shape[1]), latent_mean=latent_mean, label=label)
    return catalogue()["latent_scatter"].draw(context)


def points(figure: Any) -> np.ndarray:
    return np.asarray(figure.axes[0].collections[0].get_offsets())


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_without_labels_there_is_none() -> None:
    assert drawn(normal(9, 2), None) is None
    assert drawn(normal(9, 2), torch.zeros(9, dtype=torch.int64)) is not None


def test_two_dimensions_are_the_axes() -> None:
    z = normal(30, 2)
    figure = drawn(z, np.arange(30) % 4)
    assert points(figure) == pytest.approx(z)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$z_{1}$", "$z_{2}$")
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["0", "1", "2", "3"]
    ellipse = axes.patches[0]
    assert (ellipse.width, ellipse.height, tuple(ellipse.center)) == (4, 4, (0, 0))
    assert "2 standard deviations of the prior" in words(figure)


def test_more_dimensions_are_projected_and_the_axes_say_so() -> None:
    z = normal(50, 5) * np.array([1, 10, 0.1, 5, 1])
    figure = drawn(z, np.arange(50) % 3)
    axes = figure.axes[0]
    assert axes.get_xlabel().startswith("principal component 1 (")
    assert axes.get_xlabel().endswith("% of the variance)")
    shares = np.linalg.svd(z - z.mean(0), compute_uv=False) ** 2
    assert f"({shares[0] / shares.sum():.0%} " in axes.get_xlabel()
    assert f"({shares[1] / shares.sum():.0%} " in axes.get_ylabel()
    assert abs(np.corrcoef(points(figure)[:, 0], z[:, 1])[0, 1]) > 0.99
    assert not axes.patches  # no prior in a projection


def test_one_dimension_is_drawn_against_the_class() -> None:
    z, label = normal(20, 1), np.arange(20) % 2
    figure = drawn(z, label)
    assert points(figure)[:, 0] == pytest.approx(z[:, 0])
    assert points(figure)[:, 1].round().tolist() == label.tolist()
    assert figure.axes[0].get_ylabel() == "class"


def test_colours_follow_the_labels_whatever_their_numbers() -> None:
    figure = drawn(normal(6, 2), np.array([7, 3, 7, 100, 3, 3]))
    assert figure.axes[0].collections[0].get_array().tolist() == [1, 0, 1, 2, 0, 0]
    assert [t.get_text() for t in figure.axes[0].texts] == ["3", "7", "100"]


def test_many_classes_get_a_scale() -> None:
    figure = drawn(normal(100, 2), np.arange(100) % 47)
    (scale,) = figure.axes[0].child_axes
    assert scale.get_ylabel() == "class"
    assert figure.axes[0].get_legend() is None
    assert [t.get_text() for t in scale.get_yticklabels()][:: len(scale.get_yticks()) - 1] == [
        "0",
        "46",
    ]
