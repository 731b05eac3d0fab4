"""The model as a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.patches import Ellipse, FancyArrowPatch

from lvm_experiments.batch import Batch
from lvm_experiments.models import BernoulliMixture, GaussianMixture
from lvm_experiments.observations import Identity
from lvm_experiments.plots import Illustration, catalogue, png
from lvm_experiments.spec import DataSpec
from tests.plots.kinds import KINDS, exact, grey, labelled, layers, words


def drawn(context: Illustration) -> Any:
    figure = catalogue()["model"].draw(context)
    assert figure is not None
    return figure


def arrows(figure: Any) -> tuple[int, int]:
    """How many generate and how many infer."""
    found = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    solid = sum(arrow.get_linestyle() == "-" for arrow in found)
    return solid, len(found) - solid


def test_it_names_the_distributions() -> None:
    figure = drawn(grey())
    text = words(figure)
    assert r"$p(z)$   Standard Normal Prior" in text
    assert r"$q(z\mid x)$   Diagonal Normal" in text
    assert r"$p(x\mid z)$   Bernoulli" in text
    assert "4 dimensions" in text
    assert "$N$ = 40" in text
    assert arrows(figure) == (1, 1)


def test_layers_stand_from_the_top_down() -> None:
    figure = drawn(layers())
    height = {t.get_text(): t.xy[1] for t in figure.axes[0].texts if hasattr(t, "xy")}
    assert height["$z_{3}$"] > height["$z_{2}$"] > height["$z_{1}$"] > height["$x$"]
    assert arrows(figure) == (3, 3)
    assert r"$q(z_{1}\mid x)$" in words(figure)


def test_labels_are_observed() -> None:
    figure = drawn(labelled())
    assert r"$p(x\mid z, y)$" in words(figure)
    assert arrows(figure) == (2, 2)
    grey_nodes = [p for p in figure.axes[0].get_children() if isinstance(p, Ellipse) and p.get_facecolor()[0] == 0.7]
    assert len(grey_nodes) == 2


def test_an_exact_model_names_its_own_posterior() -> None:
    assert r"$q(z\mid x)$   Multivariate Normal" in words(drawn(exact()))


@pytest.mark.parametrize(
    ("kind", "name"), [(GaussianMixture, "Diagonal Normal Components"), (BernoulliMixture, "Bernoulli Components")]
)
def test_a_mixture_names_what_its_components_are(kind: Any, name: str) -> None:
    space, shape = kind.space, (3,)
    observation = Identity(DataSpec(space, shape, levels=2 * (space == "binary")))
    x = torch.randint(0, 2, (12, *shape)).float()
    examples = Batch(x, index=torch.arange(len(x)))
    assert rf"$p(x\mid z)$   {name}" in words(drawn(Illustration(kind(observation.spec, 2), observation, examples)))


@pytest.mark.parametrize("kind", ["grey", "layers", "labelled", "codes", "mixed"])
def test_words_keep_clear_of_each_other_and_of_the_edge(kind: str) -> None:
    figure = drawn(KINDS[kind]())
    png(figure)
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in (*figure.texts, *figure.axes[0].texts)]
    width, height = figure.canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    overlap = np.array([[a.padded(-2).overlaps(b.padded(-2)) for b in boxes] for a in boxes])
    assert np.array_equal(overlap, np.eye(len(boxes), dtype=bool))
