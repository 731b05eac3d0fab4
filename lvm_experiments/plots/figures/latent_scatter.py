"""Does the latent space know the classes, which the model was never told?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from sklearn.decomposition import PCA

from lvm_experiments.plots.chart import chart
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.latents import are_real, latent_names, prior_moments
from lvm_experiments.plots.style import CLASSES, MUTED
from lvm_experiments.priors import Prior

TITLE = "Latent space"
DESCRIPTION = "Posterior means of examples by class; by principal components where L > 2."


def draw(context: Illustration) -> Figure | None:
    """A point for each example; None without labels."""
    label = context.classes
    if label is None or not are_real(context.model):
        return None
    codes, dims = context.codes, context.codes.shape[1]
    facts = [f"posterior means of {len(codes)} {context.split} examples"]
    if dims > 2:
        facts.append(f"{dims} latent dimensions")
    # A prior that hangs on what examples are conditioned on is another for each of them.
    one_prior = dims == 2 and not any(isinstance(m, Prior) and m.conditional for m in context.model.modules())
    if one_prior:
        facts.append("dashed: 2 standard deviations of the prior")
    figure = chart(5.2, 4.4, TITLE, context.subtitle(*facts, context.space))
    axes = figure.add_subplot()
    points, (below, left) = _projected(context, codes)
    if dims > 1:
        axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(below)
    axes.set_ylabel(left)
    _scatter(figure, axes, points, label)
    if one_prior:
        _prior(context, axes)
    return figure


def _projected(context: Illustration, codes: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Points in the plane, and what its axes are: the latents themselves where they are two."""
    names = latent_names(context.latents)
    if codes.shape[1] == 1:
        return codes, (names[0], "class")
    if codes.shape[1] == 2:
        return codes, (names[0], names[1])
    # The full solver has no noise, and scikit-learn fixes the signs.
    pca = PCA(2, svd_solver="full")
    points = pca.fit_transform(codes)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    below, left = (f"principal component {n} ({share:.0%} of the variance)" for n, share in enumerate(shares, start=1))
    return points, (below, left)


def _scatter(figure: Figure, axes: Axes, points: np.ndarray, label: np.ndarray) -> None:
    values = np.unique(label)
    number = np.searchsorted(values, label)
    few = len(values) <= len(CLASSES)
    flat = points.shape[1] == 1
    if flat:
        spread = np.random.default_rng(0).uniform(-0.35, 0.35, len(points))
        points = np.stack([points[:, 0], number + spread], 1)
        axes.yaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.yaxis.set_major_formatter(lambda n, _: _word(values, n))
    # In one call, so that no class lies above the others.
    dots = axes.scatter(
        points[:, 0],
        points[:, 1],
        s=float(np.clip(8000 / len(points), 2.5, 14)),
        c=number,
        cmap=ListedColormap(CLASSES[: len(values)]) if few else "viridis",
        norm=Normalize(-0.5, len(values) - 0.5),
        alpha=0.75,
        linewidths=0,
    )
    if flat:  # the axis tells the class
        return
    if not few:
        bar = figure.colorbar(dots, cax=axes.inset_axes((1.02, 0, 0.04, 1)), label="class")
        shown = np.unique(np.linspace(0, len(values) - 1, 6).round().astype(int)).tolist()
        bar.set_ticks(shown, labels=[f"{values[n]}" for n in shown])
        bar.outline.set_visible(False)
        return
    handles, _ = dots.legend_elements(num=list(range(len(values))), alpha=1, lw=0)
    words = [f"{value}" for value in values]
    axes.legend(handles, words, title="class", loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.1)
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for n, value in enumerate(values):
        x, y = np.median(points[number == n], 0)
        large = {"fontsize": "large", "fontweight": "bold"}
        axes.text(x, y, f"{value}", large, ha="center", va="center", path_effects=halo)


def _word(values: np.ndarray, number: float) -> str:
    known = number == int(number) and 0 <= number < len(values)
    return f"{values[int(number)]}" if known else ""


def _prior(context: Illustration, axes: Axes) -> None:
    """Where the prior expects the points to lie."""
    middle, deviation = (m.double().cpu() for m in prior_moments(context.model, context.conditions(1), context.latents))
    (x, y), (width, height) = middle.tolist(), (4 * deviation).tolist()
    axes.add_patch(Ellipse((x, y), width, height, fill=False, color=MUTED, linewidth=0.8, linestyle="--"))
    axes.autoscale_view()
