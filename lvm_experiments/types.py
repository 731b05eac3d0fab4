"""Ranges a constructor argument may state in its annotation, checked before anything is built."""

from __future__ import annotations

__all__ = [
    "Activation",
    "NonNegativeFloat",
    "NonNegativeInt",
    "OpenProbability",
    "PositiveFloat",
    "PositiveInt",
    "Probability",
    "TimeUnit",
]

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Probability = Annotated[float, Ge(0), Le(1)]
OpenProbability = Annotated[float, Gt(0), Lt(1)]
Activation = Literal["elu", "gelu", "leaky_relu", "relu", "silu", "softplus", "tanh"]
TimeUnit = Literal["epoch", "step"]
