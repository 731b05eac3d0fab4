"""Reports of runs over colour images, larger images and tables, with the figures a run draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvm_experiments.plots import Illustration, save_figures
from lvm_experiments.plots.tiles import pixels
from lvm_experiments.reports.collect import collect
from lvm_experiments.reports.comparison import compare
from lvm_experiments.reports.html.pictures import gallery, tiles
from lvm_experiments.reports.write import write_comparison
from lvm_experiments.runs.files import write_json
from tests.plots.kinds import changed, colour, large, table
from tests.reports.synthetic import write_run


def report(root: Path, kind: Callable[[], Illustration]) -> tuple[str, Path]:
    """The report of two runs, and a run's figures."""
    for seed, dim in enumerate((2, 4)):
        config = {"seed": seed, "model": {"latent_dim": dim}}
        folder = write_run(root / f"run{dim}", {"val/nll": 10.0 + dim, "test/nll": 11.0 + dim}, config=config, epochs=3)
        context = changed(kind(), seed=seed)
        write_json(folder.spec, context.source.to_json())
        assert save_figures(context, folder.figures).failures == {}
    comparison = compare(collect([root]))
    return write_comparison(comparison, root / "comparison")[0].read_text(), folder.figures


@pytest.mark.parametrize("kind", [colour, large])
def test_images_are_shown_side_by_side(kind: Callable[[], Illustration], tmp_path: Path) -> None:
    page, figures = report(tmp_path, kind)
    context = kind()
    (panel,) = tiles(figures / "reconstructions.png", *context.source.shape[1:])
    data = pixels(context.raw, context.source, context.raw)
    found = np.stack(panel.kind(0))
    assert found.shape[0] >= 10
    np.testing.assert_array_equal(found, data[: len(found)])
    shown = gallery(compare(collect([tmp_path])), 4)
    assert shown.test is not None
    assert [list(row) for row in shown.rows.values()] == [["reconstructions", "means of samples", "samples"]] * 2
    assert page.count("data:image/") >= 7


def test_figures_of_tables_are_shown_whole(tmp_path: Path) -> None:
    page, _ = report(tmp_path, table)
    shown = gallery(compare(collect([tmp_path])), 4)
    assert shown.test is None
    assert [list(row) for row in shown.rows.values()] == [["reconstructions", "samples"]] * 2
    assert "for the same test examples; draws of x." in page
    assert "test images" not in page
