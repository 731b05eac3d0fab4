"""The figures there are, found by walking `figures`."""

from __future__ import annotations

__all__ = ["Plot", "catalogue"]

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from matplotlib.figure import Figure

from lvm_experiments.plots import figures
from lvm_experiments.plots.illustration import Illustration
from lvm_experiments.plots.rest import at_rest
from lvm_experiments.plots.style import styled


@dataclass(frozen=True)
class Plot:
    """A figure.

    Arguments:
        name: What its file is called.
        title: What is written above it.
        description: What it shows, in a sentence.
        function: What draws it, the module's `draw`.
    """

    name: str
    title: str
    description: str
    function: Callable[[Illustration], Figure | None]

    def draw(self, context: Illustration) -> Figure | None:
        """The figure, or None where it does not apply; the model and all generators stay as they are."""
        with at_rest(context.model, context.seed), styled():
            return self.function(context)


@cache
def catalogue() -> dict[str, Plot]:
    """Every figure by name, in alphabetical order.

    Example:
        >>> print(*catalogue())
        latent_scatter learning_curves manifold model reconstructions samples traversals
    """
    names = sorted(module.name for module in pkgutil.iter_modules(figures.__path__))
    modules = {name: import_module(f"{figures.__name__}.{name}") for name in names}
    return {n: Plot(n, m.TITLE, m.DESCRIPTION, m.draw) for n, m in modules.items()}
