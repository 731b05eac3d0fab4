"""Pictures of a model: one figure per file in `figures`, found by walking that folder."""

__all__ = [
    "EXAMPLES",
    "PICTURES",
    "ExamplePairs",
    "Gallery",
    "Illustration",
    "Plot",
    "catalogue",
    "example_pairs",
    "picture",
    "png",
    "save_figures",
    "texts",
    "warm",
]

from lvm_experiments.plots.catalogue import Plot, catalogue
from lvm_experiments.plots.illustration import EXAMPLES, PICTURES, Illustration
from lvm_experiments.plots.pairs import ExamplePairs, example_pairs
from lvm_experiments.plots.picture import picture
from lvm_experiments.plots.save import Gallery, save_figures
from lvm_experiments.plots.style import png
from lvm_experiments.plots.texts import texts
from lvm_experiments.plots.warm import warm
