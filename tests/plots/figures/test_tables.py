"""The figures of tables of numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lvm_experiments.batch import Batch
from lvm_experiments.observations import Identity
from lvm_experiments.plots import Illustration, catalogue
from lvm_experiments.spec import DataSpec
from tests.plots.kinds import N, bits, changed, table, words
from tests.support.parts import TwoLayers


def test_reconstructions_are_drawn_against_the_data_of_each_column() -> None:
    context = table()
    figure = catalogue()["reconstructions"].draw(context)
    assert figure is not None
    guess = context.original(context.model.reconstruct(context.seen))
    assert len(figure.axes) == 5
    for d, axes in enumerate(figure.axes):
        points = np.asarray(axes.collections[0].get_offsets())
        assert points[:, 0] == pytest.approx(context.raw[:, d].numpy())
        assert points[:, 1] == pytest.approx(guess[:, d].numpy(), rel=1e-5)
        x, y = context.raw[:, d].double(), guess[:, d].double()
        share = 1 - ((x - y) ** 2).sum() / ((x - x.mean()) ** 2).sum()
        assert f"$R^2$ = {share:.2f}".replace("-", "−") in axes.get_title()
        assert f"x_{{{d + 1}}}" in axes.get_title()


def test_columns_that_never_vary_are_named_so() -> None:
    context = table()
    context.examples.x[:, 1] = 5.0
    figure = catalogue()["reconstructions"].draw(context)
    assert figure is not None
    assert [("constant" in axes.get_title()) for axes in figure.axes] == [False, True, False, False, False]


def test_what_stands_in_missing_cells_is_no_data() -> None:
    """Fillers are in no histogram, no point and no share of the variance; a cell hidden from the model is known."""
    context = table()
    mask, hidden = torch.ones(N, 5, dtype=torch.bool), torch.zeros(N, 5, dtype=torch.bool)
    mask[::2, 0] = False
    mask[:, 1] = False
    mask[::2, 2], hidden[::2, 2] = False, True
    x = context.examples.x.where(mask | hidden, 1e6)
    context = changed(context, examples=context.examples.replace(x=x, mask=mask, hidden=hidden))
    figure = catalogue()["reconstructions"].draw(context)
    assert figure is not None
    points = [np.asarray(axes.collections[0].get_offsets())[:, 0] for axes in figure.axes if axes.collections]
    assert [len(some) for some in points] == [N // 2, N, N, N]
    assert max(some.max() for some in points) < 1e6
    assert "unknown" in figure.axes[1].get_title()
    samples, traversals = (catalogue()[name].draw(context) for name in ("samples", "traversals"))
    assert samples is not None
    assert max(patch.get_x() for axes in samples.axes for patch in axes.patches if hasattr(patch, "get_x")) < 1e5
    assert traversals is not None
    assert all(np.isfinite(axes.images[0].get_array()).all() for axes in traversals.axes if axes.images)


def test_wide_tables_take_fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    samples = Illustration.samples
    monkeypatch.setattr(Illustration, "samples", lambda context, n: drawn.append(n) or samples(context, n))
    monkeypatch.setattr("lvm_experiments.plots.figures.samples._CELLS", 5 * 300)
    for columns in (1, 5, 30):
        catalogue()["samples"].draw(table(columns=columns))
    assert drawn == [1000, 300, 100]


def test_samples_are_histograms_beside_the_data_s() -> None:
    figure = catalogue()["samples"].draw(bits())
    assert figure is not None
    context = bits()
    for d, axes in enumerate(figure.axes):
        heights = [patch.get_height() for patch in axes.patches[:2]]
        ones = float(context.raw[:, d].float().mean())
        assert heights == pytest.approx([1 - ones, ones])
    assert "density" in words(figure)


def test_wide_tables_say_what_is_left_out() -> None:
    context = table(columns=30)
    for name, shown in (("reconstructions", 12), ("samples", 12), ("traversals", 20)):
        figure = catalogue()[name].draw(context)
        assert figure is not None
        assert f"the first {shown} of 30" in words(figure)
    assert "the first" not in words(catalogue()["samples"].draw(table()))


def test_traversals_are_in_deviations_of_the_data() -> None:
    context = table(3)
    figure = catalogue()["traversals"].draw(context)
    assert figure is not None
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 3
    data = context.raw.double()
    for axes, dimension in zip(panels, context.by_activity, strict=True):
        values = np.asarray(axes.images[0].get_array())
        assert values.shape == (5, 25)
        z = context.latents["z"][:1].repeat(25, 1)
        z[:, dimension] = torch.linspace(-3, 3, 25)
        x = context.original(context.model.decode({"z": z}), mean=True).double()
        expected = (x - data.mean(0)) / data.std(0, correction=0)
        assert values == pytest.approx(expected.T.numpy(), abs=1e-4)


def test_all_layers_of_a_model_are_walked() -> None:
    spec = DataSpec("binary", (6,), levels=2)
    x = torch.randint(0, 2, (N, 6), generator=torch.Generator().manual_seed(0)).float()
    context = Illustration(TwoLayers(spec), Identity(spec), Batch(x, index=torch.arange(N)))
    figure = catalogue()["traversals"].draw(context)
    assert figure is not None
    names = {axes.get_title() for axes in figure.axes if axes.images}
    assert names == {"$a_{1}$", "$a_{2}$", "$b_{1}$", "$b_{2}$"}
    assert catalogue()["latent_scatter"].draw(context) is None  # without labels
