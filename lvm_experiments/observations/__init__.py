"""Observation maps: from the values of a data set to the space a likelihood is a distribution over."""

__all__ = [
    "BinariseDynamic",
    "BinariseStatic",
    "BinariseThreshold",
    "Identity",
    "Intensity",
    "ObservationMap",
    "ToReal",
    "ToUnit",
    "fits",
    "observe",
]

from lvm_experiments.observations.base import ObservationMap, fits, observe
from lvm_experiments.observations.binarise import BinariseDynamic, BinariseStatic, BinariseThreshold
from lvm_experiments.observations.dequantise import ToReal, ToUnit
from lvm_experiments.observations.identity import Identity
from lvm_experiments.observations.intensity import Intensity
