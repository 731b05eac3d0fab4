"""Reconstructions, samples, traversals and the manifold, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lvm_experiments.batch import Batch
from lvm_experiments.plots import Illustration, catalogue
from lvm_experiments.plots.tiles import pixels
from tests.plots.kinds import changed, colour, grey, levels, mosaics, table, words


def drawn(name: str, context: Illustration) -> tuple[list[np.ndarray], str]:
    figure = catalogue()[name].draw(context)
    assert figure is not None
    return mosaics(figure), words(figure)


def at(mosaic: np.ndarray, row: int, column: int, side: int = 8, zoom: int = 9, band: int = 0) -> np.ndarray:
    """A tile, at the data's own resolution; tiles have a frame of one pixel and gaps of two, bands of rows ten more."""
    cell = side * zoom + 4
    top = 3 + row * cell + (row // band * 10 if band else 0)
    left = 3 + column * cell
    return mosaic[top : top + side * zoom : zoom, left : left + side * zoom : zoom]


def shown(context: Illustration, x: Tensor) -> np.ndarray:
    return pixels(x, context.source, context.raw)


def decoded(context: Illustration, *z: float) -> np.ndarray:
    with torch.no_grad():
        x = context.model.decode({"z": torch.tensor([z], dtype=torch.float32)})
    return shown(context, context.original(x, mean=True))[0]


def test_reconstructions_stand_below_their_data() -> None:
    context = levels()
    (mosaic,), text = drawn("reconstructions", context)
    guess = shown(context, context.original(context.model.reconstruct(context.seen), mean=True))
    data = shown(context, context.raw)
    for n in (0, 15, 16, 31):  # two bands of 16, which leaves out the last 8 of 40
        band, column = divmod(n, 16)
        assert np.array_equal(at(mosaic, 2 * band, column, band=2), data[n])
        assert np.array_equal(at(mosaic, 2 * band + 1, column, band=2), guess[n])
    assert text.count("test data") == text.count("reconstruction") == 2
    assert "as observed" not in text


def test_cells_the_model_did_not_see_are_in_no_row_but_the_reconstruction() -> None:
    context = grey()
    mask = torch.ones(len(context.raw), 1, 8, 8, dtype=torch.bool)
    mask[..., :4] = False
    (mosaic,), _ = drawn("reconstructions", changed(context, examples=context.examples.replace(mask=mask)))
    data, seen, guess = (at(mosaic, row, 3, band=3).astype(int) for row in range(3))
    grey_cells = [(tile.max(-1) == tile.min(-1)) for tile in (data, seen, guess)]
    assert [(cells[:, :4].any(), cells[:, 4:].all()) for cells in grey_cells[:2]] == [(False, True)] * 2
    assert grey_cells[2].all()


def test_what_the_model_saw_is_shown_where_it_is_not_the_data() -> None:
    context = grey()
    (mosaic,), text = drawn("reconstructions", context)
    assert text.count("as observed") == 2
    seen = at(mosaic, 1, 3, band=3)[..., 0]
    assert np.array_equal(seen, context.seen.x[3, 0].numpy() * 255)
    assert "as observed" not in drawn("reconstructions", colour())[1]  # dequantised: the same levels


@pytest.mark.parametrize("n", [1, 3, 17])
def test_few_examples_are_enough(n: int) -> None:
    context = levels()
    few = Batch(context.raw[:n], label=context.examples.label[:n], index=torch.arange(n))
    few_context = changed(context, examples=few)
    for name, plot in catalogue().items():
        assert plot.draw(few_context) is not None, name


def test_samples_are_means_beside_draws() -> None:
    context = grey()
    (means, draws), text = drawn("samples", context)
    for side, mean in ((means, True), (draws, False)):
        expected = shown(context, context.samples(64, mean=mean))
        assert np.array_equal(at(side, 0, 0), expected[0])
        assert np.array_equal(at(side, 7, 6), expected[62])
    assert text.index("means") < text.index("draws")


def test_the_manifold_is_centred_with_the_second_latent_upwards() -> None:
    context = levels()
    (mosaic,), text = drawn("manifold", context)
    edge = float(torch.special.ndtri(torch.tensor(0.5 / 15, dtype=torch.float64)))
    assert np.array_equal(at(mosaic, 7, 7), decoded(context, 0, 0))
    assert np.array_equal(at(mosaic, 0, 0), decoded(context, edge, -edge))
    assert np.array_equal(at(mosaic, 0, 14), decoded(context, -edge, -edge))
    assert np.array_equal(at(mosaic, 14, 14), decoded(context, -edge, edge))
    assert not np.array_equal(at(mosaic, 0, 0), at(mosaic, 14, 14))
    assert "1.83" in text
    assert "−1.83" in text


def test_the_manifold_needs_two_dimensions_and_images() -> None:
    draw = catalogue()["manifold"].draw
    assert [draw(levels(n)) is None for n in (1, 2, 3)] == [True, False, True]
    assert draw(table(2)) is None


def test_traversals_change_one_coordinate_of_the_first_example() -> None:
    context = changed(levels(3), latent_mean=np.diag([1.0, 3.0, 2.0]))
    (example, walks), text = drawn("traversals", context)
    own = context.latents["z"][0].tolist()
    assert np.array_equal(at(example, 0, 0), shown(context, context.raw)[0])
    assert np.array_equal(at(example, 1, 0), decoded(context, *own))
    for row, dimension in enumerate((1, 2, 0)):  # the most active first
        for column in (0, 6, 12):
            z = list(own)
            z[dimension] = column / 2 - 3
            assert np.array_equal(at(walks, row, column), decoded(context, *z))
    assert text.index("$z_{2}$") < text.index("$z_{3}$") < text.index("$z_{1}$")


def test_the_tile_nearest_to_the_example_is_framed() -> None:
    context = levels(1)
    (_, walk), text = drawn("traversals", context)
    orange = (walk == (213, 94, 0)).all(-1)
    columns = {left // 76 for left in np.nonzero(orange[1])[0]}
    own = float(context.latents["z"][0, 0])
    assert round(min(max(own, -3), 3) * 2) + 6 in columns
    assert "framed" in text


def test_no_more_than_ten_dimensions_are_walked() -> None:
    (_, walks), text = drawn("traversals", levels(12))
    assert walks.shape[0] == 2 + 10 * 76
    assert "10 of 12 latent dimensions" in text
