"""Has it learned, has it stopped, does it overfit?"""

from __future__ import annotations

__all__ = ["DESCRIPTION", "TITLE", "draw"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lvm_experiments.evaluation import metric_of
from lvm_experiments.plots.chart import chart
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.style import DATA, INK, MARK, MODEL, minus

TITLE = "Learning curves"
DESCRIPTION = "The bound on training and validation examples by epoch, and the best epoch."

_SPLITS = {"train": ("training", MODEL), "val": ("validation", MARK)}
_BEGINNING = 0.05  # of training: need not be seen whole where it would flatten the rest

Curve = tuple[np.ndarray, np.ndarray]  # epochs and values


def draw(context: Illustration) -> Figure | None:
    """The lower bound, and the monitored metric where that is another; None without a history."""
    metrics = dict.fromkeys(("elbo", metric_of(context.monitor).name))
    shown = {name: found for name in metrics if (found := _curves(context.history, name))}
    if not shown:
        return None
    split, _, monitored = context.monitor.rpartition("/")
    watched = shown.get(monitored, {}).get(split)
    best = None if watched is None else _best(watched, context.monitor)
    facts = []
    if best is not None:
        value = minus(f"{best[1]:.2f}") + f" {metric_of(context.monitor).unit}"
        facts.append(f"best {context.monitor}: {value} in epoch {best[0]:g}")
    figure = chart(3.4 * len(shown) + 1.4, 2.9, TITLE, context.subtitle(*facts))
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for one, (name, curves) in zip(panels, shown.items(), strict=True):
        _panel(one, name, curves)
        if best is not None:
            one.axvline(best[0], color=DATA, linewidth=0.8, linestyle=":", zorder=0)
        if best is not None and name == monitored:
            one.plot(*best, "o", color=INK, markersize=4.5, label="best epoch")
        one.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return figure


def _curves(history: Sequence[Mapping[str, Any]], name: str) -> dict[str, Curve]:
    """The curve of each split that was measured: the mean over the rows of each epoch."""
    found = {}
    for split in _SPLITS:
        values: dict[float, list[float]] = {}
        for row in history:
            x, y = row.get("epoch"), row.get(f"{split}/{name}")
            if x not in (None, "") and y not in (None, ""):
                values.setdefault(float(x), []).append(float(y))
        if values:
            epochs = sorted(values)
            found[split] = np.array(epochs), np.array([np.mean(values[e]) for e in epochs])
    return found


def _best(curve: Curve, monitor: str) -> tuple[float, float] | None:
    epochs, values = curve
    if not np.isfinite(values).any():
        return None
    higher = metric_of(monitor).higher_is_better
    best = int(np.nanargmax(values) if higher else np.nanargmin(values))
    return float(epochs[best]), float(values[best])


def _panel(axes: Axes, name: str, curves: dict[str, Curve]) -> None:
    for split, (epochs, values) in curves.items():
        words, colour = _SPLITS[split]
        dot = "." if len(epochs) < 20 else ""  # a single epoch has to be seen as well
        axes.plot(epochs, values, color=colour, label=words, marker=dot)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"{name} ({metric_of(name).unit})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=DATA, alpha=0.2, linewidth=0.6)
    _spare(axes, curves)


def _spare(axes: Axes, curves: dict[str, Curve]) -> None:
    """Leaves out of sight the first epochs, where they would take more than half of the height."""
    last = max(epochs[-1] for epochs, _ in curves.values())
    late = np.concatenate([v[e > _BEGINNING * last] for e, v in curves.values()])
    late = late[np.isfinite(late)]
    bottom, top = axes.get_ylim()
    if last < 20 or not len(late) or np.ptp(late) == 0 or np.ptp(late) > (top - bottom) / 2:
        return
    margin = 0.06 * np.ptp(late)
    axes.set_ylim(late.min() - margin, late.max() + margin)
