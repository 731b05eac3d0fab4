from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lvm_experiments.reports.collect import collect
from lvm_experiments.reports.comparison import compare
from lvm_experiments.reports.html import report_html
from lvm_experiments.reports.html.markup import Html, element
from lvm_experiments.reports.html.pictures import gallery, tiles
from lvm_experiments.reports.html.scale import Scale, round_numbers
from lvm_experiments.reports.html.series import Layout
from lvm_experiments.reports.write import write_comparison
from tests.reports.synthetic import draw_grid, grid, whole_run, write_sweep

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "img"}


class Balance(HTMLParser):
    """Notes elements that are not closed, or closed in another order than they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def parsed(text: str) -> Balance:
    parser = Balance()
    parser.feed(text)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with everything that can go wrong in it."""
    root = tmp_path_factory.mktemp("messy") / "sweep"
    runs = [
        ({"model/likelihood": name, "model.latent_dim": dim, "seed": seed}, whole_run(name, dim, seed))
        for name in ("bernoulli", "gaussian", "discretized_logistic")
        for dim in (2, 8, 32)
        for seed in (0, 1)
    ]
    point = {"model/likelihood": HOSTILE, "model.latent_dim": 2}
    runs += [
        ({**point, "seed": 0}, whole_run("hostile", 2, 0)),
        ({**point, "seed": 1}, {"state": "failed", "reason": f"ValueError: {HOSTILE}"}),
        ({**point, "seed": 2}, {"state": "queued"}),
        ({**point, "seed": 3}, {"state": "refused", "reason": "no such data"}),
    ]
    for number, (_, arguments) in enumerate(runs):
        if arguments.get("numbers") and number == 3:
            arguments["numbers"]["test/nll"] = float("nan")
            del arguments["numbers"]["test/rate"]
    comparison = compare(collect([write_sweep(root, runs, question=HOSTILE, name=HOSTILE)]))
    return write_comparison(comparison, root / "comparison")[0]


def test_elements_are_closed_and_ids_are_unique(report: Path) -> None:
    page = parsed(report.read_text())
    assert (page.wrong, page.open) == ([], [])
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10
    targets = {str(a["href"])[1:] for tag, a in page.found if tag == "a" and str(a["href"]).startswith("#")}
    assert targets
    assert targets <= set(ids)


def test_charts_are_well_formed_and_described(report: Path) -> None:
    charts = re.findall(r"<svg viewBox=\"0 0 \d{3}.*?</svg>", report.read_text(), flags=re.DOTALL)
    assert len(charts) > 10
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("role") == "img"
        assert root.get("aria-label")
    assert "nan" not in "".join(re.findall(r' (?:d|x|y|cx|cy|x1|y1|x2|y2)="([^"]*)"', "".join(charts)))


def test_nothing_is_loaded_from_anywhere(report: Path) -> None:
    page = parsed(report.read_text())
    for tag, attributes in page.found:
        assert tag not in ("link", "iframe", "object", "embed")
        assert "://" not in str(attributes.get("href", ""))
        assert str(attributes.get("src", "data:")).startswith("data:")
    assert not re.search(r"url\((?!#)|@import|https?://", re.sub(r"data:[^\"]*", "", report.read_text()))


def test_text_of_users_is_escaped(report: Path) -> None:
    text = report.read_text()
    assert text.count("<script>") == 1
    assert "alert('x')</script>" not in text
    assert "&lt;script&gt;alert" in text


def test_everything_that_happened_is_told(report: Path) -> None:
    text = report.read_text()
    for words in ("19 completed", "1 failed", "1 queued", "1 refused", "no such data", "not finite", "lower is better"):
        assert words in text, words
    assert all(attributes.get("alt") for tag, attributes in parsed(text).found if tag == "img")
    headings = [int(tag[1]) for tag, _ in parsed(text).found if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))


def test_no_completed_run_is_a_report_of_states(tmp_path: Path) -> None:
    runs = [({"model.latent_dim": dim, "seed": 0}, {"state": "queued"}) for dim in (2, 8)]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    text = report_html(comparison, out=tmp_path)
    assert parsed(text).wrong == []
    assert "No run has completed yet: 2 queued." in text


@pytest.mark.parametrize("swept", [["seed"], ["objective.beta"], ["model/prior"], ["model/prior", "objective"]])
def test_any_sweep_has_a_report(swept: list[str], tmp_path: Path) -> None:
    values = {"seed": (0, 1), "objective.beta": (0.5, 1, 4), "model/prior": ("a", "b"), "objective": ("elbo", "iwae")}
    points = [{}]
    for key in swept:
        points = [{**point, key: value} for point in points for value in values[key]]
    runs = [(p, whole_run("bernoulli", 2 + n, p.get("seed", 0), pictures=False)) for n, p in enumerate(points)]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    page = parsed(report_html(comparison, out=tmp_path))
    assert (page.wrong, page.open) == ([], [])
    assert len([1 for tag, _ in page.found if tag == "svg"]) >= 4


def test_a_search_has_points_and_no_line_per_trial(tmp_path: Path) -> None:
    runs = [
        ({"model.latent_dim": 2 + n % 5, "optimizer.lr": 0.001 * n}, whole_run("bernoulli", 2 + n, 0, pictures=False))
        for n in range(20)
    ]
    comparison = compare(collect([write_sweep(tmp_path, runs)]))
    layout = Layout(comparison)
    assert (layout.key, layout.connected, [series.name for series in layout.all]) == (
        "model.latent_dim",
        False,
        ["all runs"],
    )
    assert parsed(report_html(comparison, out=tmp_path)).wrong == []


def test_links_to_runs_are_relative(report: Path) -> None:
    links = [str(a["href"]) for tag, a in parsed(report.read_text()).found if tag == "a"]
    runs = [link for link in links if not link.startswith("#")]
    assert all((report.parent / link).exists() for link in runs if "bernoulli" in link)
    assert all(link.startswith("../") for link in runs)


def test_images_of_figures_are_found_to_the_pixel(tmp_path: Path) -> None:
    drawn = draw_grid(tmp_path / "a.png", seed=3)
    (panel,) = tiles(tmp_path / "a.png", 8, 8)
    assert (len(panel.rows), panel.band) == (4, 2)
    found = [image[..., 0] for row in panel.rows for image in row]
    np.testing.assert_array_equal(found, drawn)
    np.testing.assert_array_equal([image[..., 0] for image in panel.kind(-1)], drawn[10:20] + drawn[30:40])
    draw_grid(tmp_path / "b.png", seed=3, panels=2)
    assert [len(panel.rows) for panel in tiles(tmp_path / "b.png", 8, 8)] == [4, 4]
    assert tiles(tmp_path / "a.png", 7, 9) == []


def test_real_figures_are_taken_apart(tmp_path: Path) -> None:
    import torch

    from lvm_experiments.plots.page import Panel, page
    from lvm_experiments.plots.style import png, styled
    from lvm_experiments.plots.tiles import pixels, tile, zoom_for
    from lvm_experiments.spec import DataSpec

    spec = DataSpec("bytes", (1, 8, 8), levels=17)
    x = torch.randint(0, 17, (12, 1, 8, 8))
    pictures = pixels(x, spec, x)
    with styled():
        figure = page([Panel(tile(pictures, 4, zoom_for(spec), band=3), rows=["data", "seen", "made"])], "T", "s")
        (tmp_path / "a.png").write_bytes(png(figure))
    (panel,) = tiles(tmp_path / "a.png", 8, 8)
    np.testing.assert_array_equal([image for row in panel.rows for image in row], pictures)


def test_pictures_are_of_the_same_test_images_and_no_more_than_asked(tmp_path: Path) -> None:
    comparison = compare(collect([grid(tmp_path, ["bernoulli"], [2, 4, 8], 1)]))
    found = gallery(comparison, 2)
    assert found.test is not None
    assert (len(found.rows), found.left_out) == (2, 1)
    assert all(list(row) == ["reconstructions", "means of samples", "samples"] for row in found.rows.values())
    best = comparison.rows[comparison.groups["binary (dynamic)"][0]].name
    assert best in found.rows


def test_escaping_is_what_elements_do() -> None:
    assert element("p", "<", Html("<b>"), None, ["&"], title='"', data_x=1.25, hidden=True, id=None) == (
        '<p title="&quot;" data-x="1.2" hidden>&lt;<b>&amp;</p>'
    )


def test_scales() -> None:
    assert round_numbers(-1.0, 1.0, 4) == (-1.0, -0.5, 0.0, 0.5, 1.0)
    flat = Scale.linear([3.0, 3.0], 0, 100)
    assert flat(3.0) == pytest.approx(50)
    assert Scale.linear([1, 2], 0, 100, margin=0, whole=True).labels == ("1", "2")  # epochs
    ratios = Scale.through([2, 8, 32], 0, 100)
    assert ratios.logarithmic
    assert ratios(8) == pytest.approx(50)
    assert ratios.labels == ("2", "8", "32")
    assert not Scale.through([0, 1, 2], 0, 100).logarithmic


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_in_a_browser_nothing_goes_wrong_and_a_phone_scrolls_one_way_only(report: Path, tmp_path: Path) -> None:
    probe = """<script>addEventListener("load", () => {
      document.querySelector("table.sortable thead button").click();
      document.querySelector(".legend [data-series]").click();
      document.querySelector("[data-tip]").dispatchEvent(new MouseEvent("click", { bubbles: true }));
      const root = document.documentElement;
      const said = [innerWidth, root.scrollWidth, document.getElementById("tip").textContent.length > 0,
        document.body.classList.contains("series"), document.querySelectorAll("[aria-sort]").length];
      document.title = "PROBE " + said.join(" ");
    });</script>"""
    page = tmp_path / "probed.html"
    page.write_text(report.read_text().replace("</body>", f"{probe}</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=390,844", "--hide-scrollbars"]
    flags += ["--enable-logging=stderr", "--dump-dom"]
    assert CHROMIUM is not None
    done = subprocess.run([CHROMIUM, *flags, page.as_uri()], capture_output=True, text=True, timeout=60)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    said = re.search(r"<title>PROBE (.*?)</title>", done.stdout)
    assert said is not None, done.stdout[-500:]
    width, scrolled, tip, picked, sorted_ = said[1].split()
    assert int(scrolled) <= int(width)
    assert int(width) <= 500
    assert (tip, picked, sorted_) == ("true", "true", "1")
