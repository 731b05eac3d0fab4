from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest
import torch
from matplotlib import _pylab_helpers
from matplotlib.figure import Figure

from lvm_experiments.plots import catalogue, figures, png
from tests.plots.kinds import KINDS, changed, grey, levels, words

EVERYWHERE = {"learning_curves", "latent_scatter", "model", "reconstructions", "samples", "traversals"}
APPLIES = {
    "grey": EVERYWHERE,
    "levels": EVERYWHERE | {"manifold"},
    "colour": EVERYWHERE,
    "table": EVERYWHERE,
    "bits": EVERYWHERE,
    "counts": EVERYWHERE,
    "mixed": EVERYWHERE,
    "tokens": {"learning_curves", "latent_scatter", "model"},
    "codes": EVERYWHERE - {"latent_scatter", "traversals"},
    "layers": EVERYWHERE,
    "labelled": EVERYWHERE,
    "exact": EVERYWHERE,
}


def test_a_figure_is_a_file() -> None:
    files = {path.stem for path in Path(figures.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(catalogue()) == files
    for name, plot in catalogue().items():
        assert plot.name == name
        assert plot.title
        assert plot.title == plot.title.strip(". ")
        assert plot.description.endswith(".")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", catalogue())
def test_every_figure_draws_what_it_applies_to(name: str, kind: str) -> None:
    figure = catalogue()[name].draw(KINDS[kind]())
    assert (figure is not None) == (name in APPLIES[kind])
    if figure is not None:
        assert isinstance(figure, Figure)
        assert catalogue()[name].title in words(figure)
        width, height = figure.get_size_inches()
        assert 2 < width < 9
        assert 1 < height < 9


@pytest.mark.parametrize("name", sorted(APPLIES["levels"]))
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    def drawn(seed: int) -> bytes:
        figure = catalogue()[name].draw(changed(levels(), seed=seed))
        assert figure is not None
        return png(figure)

    first = drawn(0)
    torch.manual_seed(99)
    matplotlib.rcParams["axes.facecolor"] = "red"  # a user's own style
    try:
        assert drawn(0) == first
    finally:
        matplotlib.rcParams["axes.facecolor"] = "white"
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    if name == "samples":
        assert drawn(1) != first


@pytest.mark.parametrize("name", catalogue())
def test_nothing_is_left_behind(name: str) -> None:
    context = grey(2)
    context.model.train()
    context.model.encoder.eval()
    modes = {n: m.training for n, m in context.model.named_modules()}
    parameters = {n: p.clone() for n, p in context.model.named_parameters()}
    state, style = torch.get_rng_state(), dict(matplotlib.rcParams)
    figure = catalogue()[name].draw(context)
    assert figure is not None
    png(figure)
    assert torch.equal(torch.get_rng_state(), state)
    assert {n: m.training for n, m in context.model.named_modules()} == modes
    assert all(torch.equal(p, parameters[n]) and p.grad is None for n, p in context.model.named_parameters())
    assert dict(matplotlib.rcParams) == style
    assert not _pylab_helpers.Gcf.figs  # pyplot knows of no figure


def test_the_model_is_drawn_in_evaluation_mode() -> None:
    context = grey(2)
    context.model.decoder.layers.insert(1, torch.nn.Dropout(0.5))
    at_rest, training = catalogue()["manifold"].draw(context), context.model.train()
    assert training.training
    again = catalogue()["manifold"].draw(changed(context, seed=5))
    assert at_rest is not None
    assert again is not None
    assert png(at_rest) == png(again)
