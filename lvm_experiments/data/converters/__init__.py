"""From the files data sets are published in to those that are read here: one function each."""

from __future__ import annotations

__all__ = [
    "CONVERTERS",
    "Conversion",
    "convert_binarized_mnist",
    "convert_caltech101_silhouettes",
    "convert_frey_faces",
    "convert_omniglot28",
]

from lvm_experiments.data.converters.binarized_mnist import convert_binarized_mnist
from lvm_experiments.data.converters.caltech101_silhouettes import convert_caltech101_silhouettes
from lvm_experiments.data.converters.conversion import Conversion
from lvm_experiments.data.converters.frey_faces import convert_frey_faces
from lvm_experiments.data.converters.omniglot28 import convert_omniglot28

CONVERTERS = {
    "binarized_mnist": convert_binarized_mnist,
    "caltech101_silhouettes": convert_caltech101_silhouettes,
    "frey_faces": convert_frey_faces,
    "omniglot28": convert_omniglot28,
}
"""Name of the data set to its converter."""
