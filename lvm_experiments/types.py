"""Ranges a constructor argument may state in its annotation, checked before anything is built."""

from __future__ import annotations

__all__ = [
    "Activation",
    "AggregateEstimator",
    "AtLeastTwo",
    "AtMostOne",
    "CountSize",
    "Covariance",
    "FitBy",
    "Initialisation",
    "LatentCovariance",
    "LayerActivation",
    "MmdKernel",
    "NanMeaning",
    "NonNegativeFloat",
    "NonNegativeInt",
    "OpenProbability",
    "OutputBias",
    "PositiveFloat",
    "PositiveInt",
    "Probability",
    "PseudoInputStart",
    "RecurrentCell",
    "TimeUnit",
    "UciTable",
]

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
AtLeastTwo = Annotated[int, Ge(2)]
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Probability = Annotated[float, Ge(0), Le(1)]
OpenProbability = Annotated[float, Gt(0), Lt(1)]
AtMostOne = Annotated[float, Le(1)]
Activation = Literal["elu", "gelu", "leaky_relu", "relu", "silu", "softplus", "tanh"]
LayerActivation = Literal["elu", "gelu", "glu", "leaky_relu", "relu", "silu", "softplus", "tanh"]
AggregateEstimator = Literal["mss", "mws"]
CountSize = Literal["observed", "predicted"]
Covariance = Literal["diagonal", "full"]
FitBy = Literal["em", "gradient"]
Initialisation = Literal["default", "glorot", "he"]
OutputBias = Literal["data_mean", "default"]
PseudoInputStart = Literal["data", "random"]
RecurrentCell = Literal["gru", "lstm"]
LatentCovariance = Literal["draws", "means"]
MmdKernel = Literal["imq", "rbf"]
NanMeaning = Literal["missing", "refused"]
TimeUnit = Literal["epoch", "step"]
UciTable = Literal["banknote", "breast_cancer", "concrete", "wine_red", "wine_white", "yeast"]
