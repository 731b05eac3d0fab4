"""Axes use the room they have, and words are written as matplotlib writes them."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from matplotlib import _pylab_helpers
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lvm_experiments.plots import png, warm
from lvm_experiments.plots.canvas import Canvas
from lvm_experiments.plots.chart import chart, shared_labels, small_multiples
from lvm_experiments.plots.style import styled
from lvm_experiments.spec import DataSpec


def test_nothing_overlaps_or_is_cut() -> None:
    with styled():
        figure, axes = small_multiples(DataSpec("real", (7,)), "A title", "a subtitle", foot=0.2)
        for number, one in enumerate(axes):
            one.plot([0, 1], [-(10.0**number), 10.0**number])  # labels of all widths
        shared_labels(figure, below="below", left="left")
        png(figure)
        renderer = figure.canvas.get_renderer()
        boxes = [one.get_tightbbox(renderer) for one in axes] + [t.get_window_extent(renderer) for t in figure.texts]
    width, height = figure.canvas.get_width_height()
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    overlap = np.array([[a.padded(-2).overlaps(b.padded(-2)) for b in boxes] for a in boxes])
    assert np.array_equal(overlap, np.eye(len(boxes), dtype=bool))
    used = sum(one.bbox.width * one.bbox.height for one in axes)
    assert used > 0.25 * width * height


def test_columns_are_spread_evenly() -> None:
    with styled():
        shapes = {n: small_multiples(DataSpec("real", (n,)), "t", "s")[1][0] for n in (1, 4, 5, 9)}
    assert {n: axes.get_gridspec().get_geometry() for n, axes in shapes.items()} == {
        1: (1, 1),
        4: (1, 4),
        5: (2, 3),
        9: (3, 3),
    }


@pytest.mark.parametrize("angle", [0, 90])
@pytest.mark.parametrize("canvas", [Canvas, FigureCanvasAgg])
def test_words_are_where_they_are_said_to_be(angle: int, canvas: type[FigureCanvasAgg]) -> None:
    figure = Figure(figsize=(3, 3), dpi=100)
    text = figure.text(0.4, 0.3, "Words, gÅ", fontsize=12, rotation=angle, va="baseline", color="red")
    canvas(figure).draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    ink = np.argwhere(pixels[..., 1] < 128)
    assert (pixels[ink[:, 0], ink[:, 1], 0] > 200).all()
    box = text.get_window_extent(figure.canvas.get_renderer())
    left, right = ink[:, 1].min(), ink[:, 1].max()
    top, bottom = 300 - ink[:, 0].min(), 300 - ink[:, 0].max()
    assert left == pytest.approx(box.x0, abs=4)
    assert right == pytest.approx(box.x1, abs=4)
    assert bottom == pytest.approx(box.y0, abs=4)
    assert top == pytest.approx(box.y1, abs=4)


def test_a_curve_fills_its_chart() -> None:
    with styled():
        figure = chart(4.0, 2.0, "A title", "a subtitle")
        axes = figure.add_subplot(xlabel="x", ylabel="y")
        png(figure)
    assert axes.bbox.width > 0.8 * 4 * 200
    assert axes.bbox.height > 0.6 * 2 * 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_of_a_warm_process_draws_the_same_without_its_files() -> None:
    def drawn() -> bytes:
        with styled():
            figure = chart(4.0, 2.0, "A title", "a subtitle")
            figure.add_subplot(xlabel="$z_{1}$", ylabel=r"$q(z\mid x)$ of 1")
            return hashlib.sha256(png(figure)).digest()

    warm()
    expected = drawn()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writer, 1)
            os.closerange(3, 256)  # as jobs of a sweep do
            os.write(1, drawn())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        found = file.read()
    os.waitpid(child, 0)
    assert found == expected
    assert not _pylab_helpers.Gcf.figs
