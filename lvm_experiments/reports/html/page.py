"""The report: what a sweep found, in one HTML file that opens without a network."""

from __future__ import annotations

__all__ = ["report_html"]

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lvm_experiments.reports.answer import answers, outcome, title
from lvm_experiments.reports.comparison import Comparison
from lvm_experiments.reports.html import charts, run_charts
from lvm_experiments.reports.html.account import configuration, runs_table
from lvm_experiments.reports.html.markup import Html, element, joined
from lvm_experiments.reports.html.pictures import gallery
from lvm_experiments.reports.html.results import results_table
from lvm_experiments.reports.html.series import Layout, legend
from lvm_experiments.reports.rows import Column

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_ALONG = ("nll", "bits_per_dim")  # metrics that are drawn along the swept dimension


def report_html(comparison: Comparison, *, out: Path, reload: float | None = None, pictures: int = 24) -> str:
    """The report as text.

    Arguments:
        comparison: What it reports.
        out: The folder it will be in; links to runs are relative to it.
        reload: Seconds after which the page loads itself again; None: never.
        pictures: Rows whose pictures are shown, at most.
    """
    collection, layout = comparison.collection, Layout(comparison)
    sections = [
        ("table", "Table", results_table(comparison)),
        ("dimension", _along_title(layout), _along(comparison, layout)),
        ("plane", "Rate and distortion", _planes(comparison, layout)),
        ("parallel", "All metrics of every run", _parallel(comparison, layout)),
        ("curves", "Learning curves", _curves(comparison, layout)),
        ("pictures", "Reconstructions and samples", _gallery(comparison, pictures)),
        ("configuration", "Configuration", configuration(comparison)),
        ("runs", "Runs", runs_table(comparison, out)),
    ]
    there = [(name, heading, content) for name, heading, content in sections if content]
    body = [
        element("header", _head(comparison), element("nav", _links(there), aria_label="sections")),
        element("main", [_section(*one) for one in there]),
        element("footer", element("p", _made(live=collection.live))),
        element("div", id="tip", role="status", hidden=True),
        element("script", Html((_HERE / "report.js").read_text(encoding="utf-8"))),
    ]
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", collection.title or "comparison"),
        element("style", Html((_HERE / "report.css").read_text(encoding="utf-8"))),
    ]
    page = element("html", element("head", head), element("body", body, data_reload=reload), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _section(name: str, heading: str, content: Html) -> Html:
    return element("section", element("h2", heading, id=f"h-{name}"), content, id=name, aria_labelledby=f"h-{name}")


def _links(sections: Sequence[tuple[str, str, Html]]) -> list[Html]:
    return [element("a", heading, href=f"#{name}") for name, heading, _ in sections]


def _made(*, live: bool) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"Made by lvm_experiments, {now}" + ("; runs were running" if live else "")


def _head(comparison: Comparison) -> Iterator[Html | None]:
    collection = comparison.collection
    yield element("h1", collection.title)
    yield element("p", collection.question, class_="question") if collection.question else None
    cards = []
    for answer in answers(comparison):
        cards.append(
            element(
                "article",
                element("h2", answer.space),
                element("p", answer.row, class_="winner"),
                element("p", answer.figure, class_="figure"),
                element("p", f"{answer.meaning[:1].upper()}{answer.meaning[1:]}. It {answer.lead}. {answer.rest}"),
                class_="card",
            )
        )
    yield element("div", cards, class_="cards") if cards else None
    yield element("p", outcome(comparison), class_="outcome")
    yield _states(comparison)
    yield (
        element("ul", [element("li", note) for note in comparison.notes], class_="notes") if comparison.notes else None
    )


def _states(comparison: Comparison) -> Html:
    """How many runs are in which state, as a bar."""
    counts = comparison.collection.counts
    parts = [element("span", class_=f"state-{state}", style=f"flex:{n}") for state, n in counts.items()]
    told = ", ".join(f"{n} {state}" for state, n in counts.items())
    words = [element("li", f"{n} {state}", class_=f"state-{state}") for state, n in counts.items()]
    return joined(
        element("div", parts, class_="states", role="img", aria_label=told),
        element("ul", words, class_="legend states-legend"),
    )


def _along_title(layout: Layout) -> str:
    return f"Evidence by {layout.label}" if layout.label else "Evidence"


def _along(comparison: Comparison, layout: Layout) -> Html | None:
    columns = [c for c in comparison.columns if c.metric in _ALONG] or ([comparison.main] if comparison.main else [])
    blocks: list[Html] = []
    for column in columns:
        # Bits of the data's own levels have one unit in every space; densities have not.
        spaces: Sequence[str | None] = [None] if column.metric == "bits_per_dim" else comparison.spaces
        drawn = [chart for space in spaces if (chart := charts.across_dimension(comparison, layout, column, space))]
        if drawn:
            blocks.append(
                joined(element("h3", _long_title(comparison, column)), element("div", drawn, class_="charts"))
            )
    if not blocks:
        return None
    note = "Points are means over runs, small dots single runs, bands and bars one standard deviation over seeds."
    if any(column.metric == "bits_per_dim" for column in columns) and len(comparison.spaces) > 1:
        note += (
            " Bits per dimension are of the data's own levels, by maps that lose nothing; where values were dequantised"
            " they are an upper bound. Spaces without such a map are not drawn there."
        )
    return joined(element("p", note, class_="note"), legend(layout), blocks)


def _long_title(comparison: Comparison, column: Column) -> str:
    words = {"nll": "Negative log-likelihood", "bits_per_dim": "Bits per dimension"}.get(
        column.metric, title(column.metric)
    )
    return f"{words}, {comparison.split} data"


def _planes(comparison: Comparison, layout: Layout) -> Html | None:
    drawn = [one for space in comparison.spaces if (one := charts.rate_distortion(comparison, layout, space))]
    if not drawn:
        return None
    note = (
        "How many nats a code costs against how much of x is left to describe. Along a dashed line the ELBO is the same"
    )
    note += "; below and to the left it is better." + (
        f" Points are labelled with {layout.label}." if layout.label else ""
    )
    return joined(element("p", note, class_="note"), legend(layout), element("div", drawn, class_="charts"))


def _parallel(comparison: Comparison, layout: Layout) -> Html | None:
    drawn = [one for space in comparison.spaces if (one := run_charts.parallel_coordinates(comparison, layout, space))]
    if not drawn:
        return None
    note = f"A line per run on {comparison.split} data; every axis has its own range. ↓ lower, ↑ higher is better."
    return joined(element("p", note, class_="note"), legend(layout), drawn)


def _curves(comparison: Comparison, layout: Layout) -> Html | None:
    spaces = dict.fromkeys(row.space for row in comparison.rows)
    drawn = [one for space in spaces if (one := run_charts.learning_curves(comparison, layout, space))]
    if not drawn:
        return None
    note = (
        "A line per run, marked at the epoch whose checkpoint was measured. The first tenth does not stretch the axis."
    )
    return joined(element("p", note, class_="note"), legend(layout), element("div", drawn, class_="charts"))


def _gallery(comparison: Comparison, most: int) -> Html | None:
    found = gallery(comparison, most)
    if not found.rows:
        return None
    kinds = list(dict.fromkeys(kind for pictures in found.rows.values() for kind in pictures))
    lines = []
    if found.test is not None:
        heads = [element("span", found.test if kind == "reconstructions" else None) for kind in kinds]
        lines.append(element("div", element("strong", "test images"), heads, class_="strip test"))
    for row, pictures in found.rows.items():
        cells = [
            element("figure", pictures[kind], element("figcaption", kind)) if kind in pictures else element("span")
            for kind in kinds
        ]
        lines.append(element("div", element("strong", row), cells, class_="strip"))
    head = element(
        "div", element("span"), [element("span", kind) for kind in kinds], class_="strip head", aria_hidden="true"
    )
    note = "Of the first completed run of each row: means of x at the posterior mean of z for the same test "
    note += "images; means and draws of x for z from the prior." if found.test is not None else "examples; draws of x."
    if found.left_out:
        note += f" {found.left_out} further rows are left out to keep the file small."
    style = f"--kinds:{len(kinds)}"
    return joined(element("p", note, class_="note"), element("div", head, lines, class_="gallery", style=style))
