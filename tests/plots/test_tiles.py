from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from lvm_experiments.plots import picture, png
from lvm_experiments.plots.page import Panel, page
from lvm_experiments.plots.tiles import can_be_looked_at, columns_for, pixels, tile, zoom_for
from lvm_experiments.spec import DataSpec
from tests.plots.kinds import mosaics

RANDOM = torch.Generator().manual_seed(0)


def spec(*shape: int, space: str = "bytes", levels: int = 256) -> DataSpec:
    return DataSpec(space, shape, levels=levels)


def test_levels_span_black_to_white() -> None:
    x = torch.arange(17).reshape(17, 1, 1, 1)
    found = pixels(x, spec(1, 1, 1, levels=17), x[:2])
    assert found.dtype == np.uint8
    assert found[:, 0, 0, 0].tolist() == [round(v * 255 / 16) for v in range(17)]


def test_lines_and_points_are_no_pictures() -> None:
    x = torch.zeros(5, 1, 1, 28)
    assert picture(x, spec(1, 1, 28), "Samples") is None
    assert picture(x.reshape(5, 1, 4, 7), spec(1, 4, 7), "Samples") is not None
    assert [can_be_looked_at(spec(*shape)) for shape in ((1, 1, 1), (3, 28, 2), (3, 12, 2))] == [False, False, True]


def test_colours_keep_their_channels_and_places() -> None:
    x = torch.zeros(1, 3, 2, 4, dtype=torch.uint8)
    x[0, 0, 0, 3], x[0, 1, 1, 0], x[0, 2, 1, 2] = 255, 200, 100
    found = pixels(x, spec(3, 2, 4), x)[0]
    assert found.shape == (2, 4, 3)
    assert found[0, 3].tolist() == [255, 0, 0]
    assert found[1, 0].tolist() == [0, 200, 0]
    assert found[1, 2].tolist() == [0, 0, 100]


def test_the_range_of_real_images_is_the_data_s() -> None:
    data = torch.tensor([-2.0, 6.0, float("nan")]).reshape(3, 1, 1, 1)
    x = torch.tensor([-9.0, -2.0, 2.0, 6.0, 9.0]).reshape(5, 1, 1, 1)
    found = pixels(x, spec(1, 1, 1, space="real", levels=0), data)
    assert found[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]
    flat = torch.full((2, 1, 1, 1), 3.0)
    assert pixels(flat, spec(1, 1, 1, space="real", levels=0), flat).max() == 0


def test_missing_cells_are_neither_black_nor_white() -> None:
    x = torch.tensor([[[[float("nan"), 1.0]]]])
    found = pixels(x, spec(1, 1, 2, space="unit", levels=0), x, torch.tensor([[[[False, True]]]]))[0, 0]
    assert len(set(found[0].tolist())) == 3  # a colour, in a grey image
    assert found[1].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("side", "zoom"), [(8, 9), (28, 3), (32, 2), (64, 1), (256, 1)])
def test_small_images_are_enlarged(side: int, zoom: int) -> None:
    assert zoom_for(spec(1, side, side)) == zoom


def test_large_images_stand_in_shorter_rows() -> None:
    assert columns_for(spec(1, 8, 8), 16) == 16
    assert columns_for(spec(1, 28, 28), 16) == 16
    assert columns_for(spec(3, 256, 256), 16) == 5
    assert columns_for(spec(3, 4000, 4000), 16) == 2


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20), (1, 64, 64)])
def test_every_pixel_arrives_in_the_file(shape: tuple[int, ...]) -> None:
    x = torch.randint(0, 256, (6, *shape), generator=RANDOM)
    one, zoom = spec(*shape), zoom_for(spec(*shape))
    images = pixels(x, one, x)
    tiles = tile(images, 3, zoom, marked=[4])
    figure = page([Panel(tiles, rows=["a", "long name"]), Panel(tiles, title="again")], "Title", "a fact")
    content = np.asarray(Image.open(io.BytesIO(png(figure))).convert("RGB"))
    height, width = tiles.image.shape[:2]
    for axes in figure.axes:
        box = axes.get_position()
        left, top = round(box.x0 * content.shape[1]), round((1 - box.y1) * content.shape[0])
        assert np.array_equal(content[top : top + height, left : left + width], tiles.image)
    large = images[5].repeat(zoom, 0).repeat(zoom, 1)
    top, left = round(tiles.rows[1] - large.shape[0] / 2), round(tiles.columns[2] - large.shape[1] / 2)
    assert np.array_equal(tiles.image[top : top + large.shape[0], left : left + large.shape[1]], large)


def test_pictures_are_of_images_only() -> None:
    x = torch.randint(0, 256, (70, 3, 8, 8), generator=RANDOM)
    figure = picture(x, spec(3, 8, 8), "Samples", "a run")
    assert figure is not None
    (tiles,) = mosaics(figure)
    assert tiles.shape[0] == tiles.shape[1]  # 64 in eight rows
    assert picture(x[:3], spec(3, 8, 8), "Samples") is not None
    assert picture(torch.zeros(5, 4), spec(4), "Samples") is None
    assert picture(torch.zeros(5, 2, 8, 8), spec(2, 8, 8), "Samples") is None
